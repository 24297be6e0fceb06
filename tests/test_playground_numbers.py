"""The playground's numbers in V8: trainings, gradients, one sample's passes, the recipe and the code are Python's."""

import json

import numpy as np
import pytest
from v8 import javascript

import nn
from autograd_mini import zero_grad
from autograd_mini.programs.languages.javascript_table import table_source
from viz.pages import compact
from viz.stepping.card_svg import asset
from viz.training_page.build import HIDDEN, own_asset

NUMBERS = ("learning.js", "passes.js", "recipe.js", "code.js")  # what does not touch the page
TELL = """
let training;
globalThis.start = (data, hidden, output, init, optimizer, seed) => {
  const samples = typeof data === "string" && data in SHAPES ? drawn(data, seed) : tableOf(data);
  const shape = JSON.parse(hidden), wide = output === "softmax" ? samples.classes.length : 1;
  const net = networkOf([samples.X[0].length, ...shape.map(([n]) => n), wide], [...shape.map(([, g]) => g), output]);
  training = new Training(net, startOf(net, init, seed), divided(samples, net), optimizer);
  return 0;
};
globalThis.learn = (text) => { for (const [what, rate, batch, times] of JSON.parse(text))
  for (let i = 0; i < times; i++) { training[what](batch, rate); training.mark(); }
  return 0; };
globalThis.code = () => codeOf(training, 0.1);
globalThis.told = () => JSON.stringify({ losses: training.marks.map(m => m.loss), means: training.means,
  held: training.marks.map(m => m.held), epochs: training.marks.map(m => m.epoch), theta: Array.from(training.theta),
  rows: training.rows, stopped: training.stopped, X: training.data.X, T: training.data.T });
globalThis.at = i => { const { net, data, theta } = training, seen = passesOf(net, theta, data.X[i], data.T[i]);
  const lines = recipeOf(seen).map(line => ({ ...line, entries: line.value.data.map((_, k) => {
    const found = entryOf(line, k); return { text: found.text, lights: found.lights.map(s => [...s]) }; }) }));
  return JSON.stringify({ loss: seen.loss, dz: seen.dz, da: seen.da, lines, x: seen.x, y: seen.y }); };
globalThis.neuron = (i, l, k) => { const { net, data, theta } = training;
  const seen = passesOf(net, theta, data.X[i], data.T[i]);
  const own = neuronOf(seen, l, k);
  return JSON.stringify({ z: own.data[own.z], a: own.data[own.out], dz: own.grads[own.z], symbols: own.symbols,
    weights: own.products.map(p => p.toWeight.contribution), inputs: own.products.map(p => p.toInput.contribution),
    times: own.products.map(p => timesOf(seen, l, k, p.j)) }); };
globalThis.gradient = () => { const { net, data, theta } = training;
  return JSON.stringify(Array.from(gradientOf(net, theta, data.X, data.T).grad)); };
globalThis.wrong = () => JSON.stringify(findings(training.net, training.theta, training.data));
globalThis.replayed = () => { const { net, start, data, optimizer, runs } = training;
  const again = new Training(net, start, data, optimizer);
  again.replay(runs); return JSON.stringify([again.marks.map(m => m.loss), training.marks.map(m => m.loss)]); };
globalThis.table = text => { try { return JSON.stringify(tableOf(text)); } catch (error) { return error.message; } };
"""


@pytest.fixture(scope="module")
def page():
    scripts = [table_source(False), asset("engine.js"), *map(own_asset, NUMBERS), TELL]
    with javascript() as racer:
        racer.eval(f"(() => {{ {''.join(map(compact, scripts))} }})()")
        yield racer


def begin(page, data, hidden=((4, "tanh"),), output="sigmoid", init="glorot", optimizer="adam", seed=1):
    page.call("start", data, json.dumps(hidden), output, init, optimizer, seed)


def learned(page, *runs):
    page.call("learn", json.dumps(runs))
    return json.loads(page.call("told"))


def executed(page, capsys):
    """Run the page's Python, and return what it has named."""
    scope = {}
    exec(compile(page.call("code"), "as code", "exec"), scope)
    scope["printed"] = float(capsys.readouterr().out)
    return scope


def theta_of(model):
    return np.concatenate([np.ravel(p.data) for p in model.parameters()])


@pytest.mark.parametrize("data", ["xor", "moons"])
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_fifty_epochs_are_those_of_fit(data, optimizer, page, capsys):
    begin(page, data, [[6, "tanh"], [4, "relu"]], optimizer=optimizer)
    found = learned(page, ["epoch", 0.05, 10, 50])
    scope = executed(page, capsys)
    assert "nn.fit(" in page.call("code")
    np.testing.assert_allclose(found["losses"], scope["losses"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(found["means"], [r["loss"] for r in scope["history"]], rtol=0, atol=1e-9)
    np.testing.assert_allclose(found["held"][1:], [r["validation_loss"] for r in scope["history"]], rtol=0, atol=1e-9)
    np.testing.assert_allclose(found["theta"], theta_of(scope["model"]), rtol=0, atol=1e-8)
    assert found["losses"][-1] < 0.8 * found["losses"][0]
    assert abs(scope["printed"] - found["losses"][-1]) < 1e-9


@pytest.mark.parametrize("hidden", HIDDEN)
def test_every_activation_and_every_output(hidden, page, capsys):
    for data, output in (("circles", "sigmoid"), ("spiral", "softmax"), ("line", "identity")):
        begin(page, data, [[3, hidden], [2, hidden]], output, "lecun", "momentum", 3)
        found = learned(page, ["epoch", 0.02, 16, 5])
        np.testing.assert_allclose(found["losses"], executed(page, capsys)["losses"], rtol=0, atol=1e-9)


@pytest.mark.parametrize("init", ["glorot", "he", "lecun", "uniform", "zeros"])
def test_samples_batches_and_another_rate_are_in_the_code_too(init, page, capsys):
    begin(page, "moons", init=init)
    learned(page, ["epoch", 0.05, 10, 2], ["step", 0.01, 1, 3], ["step", 0.1, 32, 2])
    found = learned(page, ["epoch", 0.1, 32, 1], ["step", 0.1, 7, 1])
    scope = executed(page, capsys)
    np.testing.assert_allclose(found["theta"], theta_of(scope["model"]), rtol=0, atol=1e-9)
    assert abs(found["losses"][-1] - scope["printed"]) < 1e-9
    again, first = json.loads(page.call("replayed"))
    assert again[-1] == first[-1]


def test_a_table_of_three_classes_and_more_outputs(page, capsys):
    rng = np.random.default_rng(0)
    rows = "\n".join(
        f"{x:.3f};{y:.3f};{z:.3f}; {name}" for (x, y, z), name in zip(rng.normal(size=(30, 3)), "abc" * 10)
    )
    begin(page, "length;width;height;kind\n" + rows, output="softmax")
    found = learned(page, ["epoch", 0.05, 8, 4])
    np.testing.assert_allclose(found["losses"], executed(page, capsys)["losses"], rtol=0, atol=1e-9)
    assert found["rows"] == 24


def test_gradients_are_the_engines(page):
    begin(page, "xor", [[5, "gelu"], [3, "silu"]])
    found = learned(page, ["epoch", 0.05, 10, 3])
    net = model_of(found, [2, 5, 3, 1], ["gelu", "silu", "identity"])
    loss = nn.sigmoid_cross_entropy(net(np.array(found["X"])), np.array(found["T"]))
    zero_grad(*net.parameters())
    loss.backward()
    wanted = np.concatenate([np.ravel(p.grad) for p in net.parameters()])
    np.testing.assert_allclose(json.loads(page.call("gradient")), wanted, rtol=0, atol=1e-12)


def model_of(found, widths, gs):
    theta, layers, at = np.array(found["theta"]), [], 0
    for n_in, n_out, g in zip(widths, widths[1:], gs):
        W = theta[at : at + n_in * n_out].reshape(n_out, n_in)
        at += n_in * n_out + n_out
        layers.append(nn.Dense(n_in, n_out, g, init=nn.init.given(W, theta[at - n_out : at])))
    return nn.Sequential(*layers)


@pytest.mark.parametrize("output", ["sigmoid", "softmax", "identity"])
@pytest.mark.parametrize("hidden", ["tanh", "relu", "elu"])
def test_the_recipe_is_that_of_python_line_by_line(hidden, output, page):
    data = "line" if output == "identity" else "moons"
    begin(page, data, [[4, hidden], [3, hidden]], output)
    found = learned(page, ["epoch", 0.05, 10, 3])
    widths = [1 if data == "line" else 2, 4, 3, 2 if output == "softmax" else 1]
    net = model_of(found, widths, [hidden, hidden, output])
    for i in (0, 5):
        told = json.loads(page.call("at", i))
        y = int(np.argmax(told["y"])) if output == "softmax" else told["y"]
        wanted = nn.backprop_recipe(net, told["x"], y)
        assert [(a["name"], a["formula"]) for a in told["lines"]] == [(b.name, b.formula) for b in wanted.lines]
        for a, b in zip(told["lines"], wanted.lines):
            np.testing.assert_allclose(a["value"]["data"], np.ravel(b.value), rtol=0, atol=1e-12, err_msg=a["name"])
            shapes = {m["name"]: (m["rows"], m["cols"]) for m in a["operands"]}
            assert shapes == {name: (*shape, 1)[:2] for name, shape in b.operands.items()}
        assert abs(told["loss"] - wanted["L"].value) < 1e-12


def test_an_entry_of_a_matrix_is_the_sum_of_its_multiplications(page):
    begin(page, "moons", [[4, "tanh"]], "softmax")
    learned(page, ["epoch", 0.05, 10, 3])
    lines = json.loads(page.call("at", 2))["lines"]
    by_name = {}
    for line in lines:
        by_name.setdefault(line["name"], line)
    z = by_name["z[1]"]["entries"][1]  # row 1 of W, the column a[0], entry 1 of b
    assert z["lights"] == [[2, 3], [0, 1], [1]]
    assert by_name["dL/da[1]"]["entries"][3]["lights"] == [[6, 7], [0, 1]]
    assert by_name["dL/dW[1]"]["entries"][5]["lights"] == [[2], [1]]
    assert by_name["J"]["entries"][1]["lights"] == [[0, 1]]
    for line in lines:
        for entry, value in zip(line["entries"], line["value"]["data"]):
            plain = entry["text"].replace("·", "*")
            if set(plain) <= set("0123456789.e+-*() "):
                assert eval(plain) == pytest.approx(value, rel=2e-3, abs=2e-3), line["name"]


def test_a_neurons_steps_are_the_engines_and_add_up(page):
    begin(page, "moons", [[4, "tanh"], [3, "leaky_relu"]])
    found = learned(page, ["epoch", 0.05, 10, 2])
    told = json.loads(page.call("at", 1))
    for layer, wide in ((1, 4), (2, 3), (3, 1)):
        low = np.zeros(len(told["da"][layer - 1]))
        for k in range(wide):
            own = json.loads(page.call("neuron", 1, layer, k))
            assert own["dz"] == pytest.approx(told["dz"][layer][k], abs=1e-15)
            low += own["inputs"]
            for times, w, a in zip(own["times"], own["weights"], own["inputs"]):
                assert (times["toWeight"], times["toInput"]) == pytest.approx((w, a), abs=1e-15)
        np.testing.assert_allclose(low, told["da"][layer - 1], atol=1e-14)
        assert [t["sum"] for t in own["times"]] == pytest.approx(told["da"][layer - 1], abs=1e-14)
    assert json.loads(page.call("neuron", 1, 1, 0))["symbols"] == "1 - a * a"
    assert found["stopped"] == ""


def test_what_is_dead_or_vanished_is_said_with_its_reason(page):
    begin(page, "moons", [[3, "relu"]], init="zeros")
    assert set(json.loads(page.call("wrong"))) >= {"1.0", "1.1", "1.2"}
    assert json.loads(page.call("wrong"))["1.0"].startswith("dead: z ≤ 0 for all 100 samples, there relu'(z) = 0")
    begin(page, "moons", [[3, "sigmoid"]] * 6)
    found = json.loads(page.call("wrong"))
    assert found["1"].startswith("vanished: dL/dz[1] is ")
    begin(page, "moons", [[4, "tanh"]])
    assert json.loads(page.call("wrong")) == {}


def test_a_rate_that_is_too_large_ends_with_a_reason(page):
    begin(page, "line", [], "identity", optimizer="sgd")
    assert "a smaller rate may help" in learned(page, ["epoch", 1e30, 10, 60])["stopped"]


def test_the_ruler_keeps_as_many_epochs_as_fit(page):
    begin(page, "xor", [[2, "tanh"]])
    found = learned(page, ["epoch", 0.01, 100, 3000])
    assert 400 < len(found["losses"]) <= 1001
    assert found["epochs"][0] == 0
    assert found["epochs"] == sorted(set(found["epochs"]))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the table is empty"),
        ("a,b\n", "has a head and no sample"),
        ("1\n2", "line 1 has one column"),
        ("1,2\n1,2,3", "line 2 has 3 columns, line 1 has 2"),
        ("1,2,0\nx,2,1", "line 2: x is no number"),
        ("1,2,0\n1e999,2,1", "line 2: 1e999 is no number"),
        ("\n".join(f"{i},w{i}" for i in range(9)), "9 different words"),
    ],
)
def test_a_table_that_is_none_is_refused_by_line(text, words, page):
    assert words in page.call("table", text)


def test_a_table_is_read_with_its_head_and_its_classes(page):
    found = json.loads(page.call("table", "a\tb\tkind\n1\t2\tcat\n3\t4\tdog\n"))
    assert found == {"X": [[1, 2], [3, 4]], "y": [0, 1], "classes": ["cat", "dog"], "inputs": ["a", "b"]}
    assert json.loads(page.call("table", "1 0.5\n2 0.25"))["classes"] is None
    assert json.loads(page.call("table", "1 2 5\n2 3 10"))["classes"] == ["5", "10"]
