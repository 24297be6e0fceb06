"""Files that were cut, changed or made by hand: an error that names the path, or the identical model; nothing runs."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import subprocess
import sys
import zipfile

import numpy as np
import pytest

import nn
from autograd_mini import AutogradError
from nn import FormatError
from nn.files import save as storage
from nn.files.objects import build, describe

library = pytest.importorskip("safetensors.numpy")


def small():
    return nn.Sequential(nn.Dense(2, 2, "tanh", rng=0), nn.Dropout(0.5, rng=1))


@pytest.fixture(scope="module")
def content():
    about, arrays = describe(small())
    return storage.pack({"model": about}, arrays)


def refused(tmp_path, content, words="."):
    """Check that `content` in a file is refused, with words of the message, and that the message names the file."""
    path = tmp_path / "model"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=words) as caught:
        nn.load(path)
    assert str(path) in str(caught.value)
    with pytest.raises(FormatError):
        nn.load_into(small(), path)


def signed(text, arrays=None):
    """Return a file with any text as its description and a right checksum; `@` in the text stands for its place."""
    body = library.save(arrays or {}, {storage.KEY: text.replace("@", storage.ZEROS)})
    digest = hashlib.sha256(body).hexdigest()
    return body.replace(storage.ZEROS.encode(), digest.encode(), 1)


def framed(header, data=b""):
    """Return a safetensors file with any header."""
    header = header if isinstance(header, bytes) else header.encode()
    return len(header).to_bytes(8, "little") + header + data


# Accidents ------------------------------------------------------------------------------------------------------------


def test_every_truncation_is_refused(content):
    for length in range(len(content)):
        with pytest.raises(FormatError):
            opened(content[:length])


def test_every_changed_byte_is_refused(content):
    for place in range(len(content)):
        for flip in (0x01, 0x20, 0x80, 0xFF):
            changed = bytearray(content)
            changed[place] ^= flip
            with pytest.raises(FormatError):
                opened(bytes(changed))


def opened(content):
    """Return what `load` makes of a file's content."""
    return storage.unpack(storage._read(io.BytesIO(content)))


def test_every_bit_of_the_numbers_counts(content):
    about, arrays = opened(content)
    assert isinstance(build(about["model"], arrays), nn.Sequential)
    assert content.count(hashlib.sha256(content.replace(about["sha256"].encode(), b"0" * 64)).hexdigest().encode()) == 1


@pytest.mark.parametrize("more", [b"\0", b" ", b"x" * 1000])
def test_appended_bytes_are_refused(more, content, tmp_path):
    refused(tmp_path, content + more, "checksum")


def test_blocks_out_of_place_are_refused(content, tmp_path):
    half = len(content) // 2
    refused(tmp_path, content[half:] + content[:half])
    refused(tmp_path, content[:half] + bytes(len(content) - half))
    refused(tmp_path, content[:-16] + bytes(16), "checksum")
    refused(tmp_path, bytes(len(content)))


def test_through_the_file_system_a_truncation_names_the_path(content, tmp_path):
    for length in (0, 1, 7, 8, 9, len(content) // 2, len(content) - 1):
        refused(tmp_path, content[:length])


# Other files ----------------------------------------------------------------------------------------------------------


class Bomb:
    """Something that runs a command when it is unpickled."""

    def __reduce__(self):
        return exec, ("raise SystemExit('a pickle was run')",)


def zipped(write):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        write(archive)
    return buffer.getvalue()


def saved(write):
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


OTHERS = {
    "nothing": b"",
    "text": b"once upon a time there was a model",
    "JSON": b'{"model": []}',
    "pickle": pickle.dumps(Bomb()),
    "npy of a pickle": saved(lambda f: np.save(f, np.array([Bomb()], dtype=object), allow_pickle=True)),
    "npz of a pickle": saved(lambda f: np.savez(f, x=np.array([Bomb()], dtype=object))),
    "npy": saved(lambda f: np.save(f, np.ones(3))),
    "zip bomb": zipped(lambda z: z.writestr("x", bytes(10_000_000))),
    "zip of ../": zipped(lambda z: z.writestr("../../evil", b"x")),
    "foreign safetensors": library.save({"W": np.ones(2)}),
    "foreign safetensors with metadata": library.save({"W": np.ones(2)}, {"format": "np"}),
    "zeros": bytes(100),
    "ones": b"\xff" * 100,
    "foreign byte order": (2).to_bytes(8, "big") + b"{}",
    "header longer than the file": (10**6).to_bytes(8, "little") + b"{}",
    "header longer than the limit": (10**9).to_bytes(8, "little") + b"{}",
    "header of 2^64 - 1": b"\xff" * 8 + b"{}",
    "header that is a list": framed("[]"),
    "header that is a number": framed("12"),
    "header that is no UTF-8": framed(b'{"\xff\xfe": 1}'),
    "metadata that is a list": framed('{"__metadata__": []}'),
    "metadata that is a number": framed('{"__metadata__": {"autograd_mini": 1}}'),
    "metadata that is a list of text": framed('{"__metadata__": {"autograd_mini": "[]"}}'),
    "nested header": framed("[" * 100_000 + "]" * 100_000),
    "nested description": framed(json.dumps({"__metadata__": {storage.KEY: '{"a":' * 100_000 + "1" + "}" * 100_000}})),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_files_are_refused(name, tmp_path):
    refused(tmp_path, OTHERS[name])


DESCRIPTIONS = {
    "newer version": ('{"version":2,"sha256":"@","model":[]}', "format 2.*upgrade"),
    "no version": ('{"sha256":"@","model":[]}', "not a model saved by"),
    "version as text": ('{"version":"1","sha256":"@"}', "not a model saved by"),
    "version true": ('{"version":true,"sha256":"@"}', "not a model saved by"),
    "version 1.0": ('{"version":1.0,"sha256":"@"}', "not a model saved by"),
    "version twice": ('{"version":1,"sha256":"@","version":1}', "given twice"),
    "key twice, deep inside": ('{"version":1,"sha256":"@","model":[{"class":"MLP","class":"MLP"}]}', "given twice"),
    "NaN": ('{"version":1,"sha256":"@","model":[{"class":"Dropout","rate":NaN}]}', "NaN is no finite number"),
    "Infinity": ('{"version":1,"sha256":"@","model":[{"class":"Dropout","rate":-Infinity}]}', "no finite number"),
    "1e999": ('{"version":1,"sha256":"@","model":[{"class":"Dropout","rate":1e999}]}', "no finite number"),
    "5000 digits": (f'{{"version":1,"sha256":"@","model":{"9" * 5000}}}', "integer of 5000 digits"),
    "no checksum": ('{"version":1,"model":[]}', "checksum"),
    "checksum of another type": ('{"version":1,"sha256":7,"model":[]}', "checksum"),
    "checksum of odd letters": ('{"version":1,"sha256":"\\ud800","model":[]}', "checksum"),
    "short checksum": ('{"version":1,"sha256":"00","model":[]}', "checksum"),
    "no records": ('{"version":1,"sha256":"@","model":[]}', "describes no model"),
    "records of another type": ('{"version":1,"sha256":"@","model":{"class":"MLP"}}', "describes no model"),
    "unknown class": (
        '{"version":1,"sha256":"@","model":[{"class":"os.system"}]}',
        "'os.system' is not among|no class",
    ),
    "class of the standard library": ('{"version":1,"sha256":"@","model":[{"class":"subprocess.Popen"}]}', "no class"),
    "class that is no text": ('{"version":1,"sha256":"@","model":[{"class":["MLP"]}]}', "describes no model"),
    "source as model": ('{"version":1,"sha256":"@","model":[{"class":"PythonRandom"}]}', "is no model"),
    "optimizer as model": (
        '{"version":1,"sha256":"@","model":[{"class":"SGD","learning_rate":1,"velocity":null}]}',
        "is no model",
    ),
    "method replaced": (
        '{"version":1,"sha256":"@","model":[{"class":"Sequential","layers":[],"parameters":[]}]}',
        "'parameters' would hide",
    ),
    "class replaced": (
        '{"version":1,"sha256":"@","model":[{"class":"Sequential","layers":[],"__class__":"x"}]}',
        "'__class__' would hide",
    ),
    "training that is no bool": (
        '{"version":1,"sha256":"@","model":[{"class":"Sequential","layers":[],"training":2}]}',
        "training",
    ),
}


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_descriptions_made_by_hand_are_refused(name, tmp_path):
    text, words = DESCRIPTIONS[name]
    path = tmp_path / "model"
    path.write_bytes(signed(text))
    with pytest.raises(FormatError, match=words):
        nn.load(path)


def entry(shape, begin, end, dtype="F64"):
    return f'{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{begin},{end}]}}'


HEADERS = {
    "claims 1e11 numbers": f'"W":{entry([10**11], 0, 8 * 10**11)}',
    "sizes that overflow": f'"W":{entry([2**32, 2**32], 0, 0)}',
    "negative size": f'"W":{entry([-1], 0, 8)}',
    "offsets backwards": f'"W":{entry([1], 8, 0)}',
    "shape against offsets": f'"W":{entry([2], 0, 8)}',
    "unknown type": f'"W":{entry([1], 0, 8, "O")}',
    "type numpy lacks": f'"W":{entry([4], 0, 8, "BF16")}',
    "name twice": f'"W":{entry([1], 0, 8)},"W":{entry([1], 0, 8)}',
    "overlapping": f'"V":{entry([1], 0, 8)},"W":{entry([1], 0, 8)}',
    "a gap": f'"W":{entry([1], 4, 8, "F32")}',
    "array that is a list": '"W":[]',
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers_made_by_hand_are_refused(name, tmp_path):
    text = json.dumps({"version": 1, "sha256": storage.ZEROS, "model": [{"class": "Sequential", "layers": []}]})
    body = framed(f'{{"__metadata__":{json.dumps({storage.KEY: text})},{HEADERS[name]}}}', bytes(8))
    digest = hashlib.sha256(body).hexdigest().encode()
    refused(tmp_path, body.replace(storage.ZEROS.encode(), digest, 1))


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on memory there")
def test_a_file_larger_than_memory_is_an_error(tmp_path):
    """A sparse file of a terabyte whose header claims just that."""
    path = tmp_path / "model"
    n = 2**37
    about = json.dumps({storage.KEY: json.dumps({"version": 1, "sha256": storage.ZEROS, "model": []})})
    header = f'{{"__metadata__":{about},"W":{entry([n], 0, 8 * n)}}}'
    path.write_bytes(framed(header))
    with open(path, "r+b") as file:
        file.truncate(8 + len(header) + 8 * n)
    script = (
        "import nn, resource, sys; resource.setrlimit(resource.RLIMIT_AS, (2**33, 2**33))\n"
        "try: nn.load(sys.argv[1])\n"
        "except nn.FileError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True, timeout=120)
    assert "memory" in done.stdout
    assert str(path) in done.stdout


# Descriptions with one thing changed ----------------------------------------------------------------------------------

WRONG = [None, True, -1, 10**30, 0.5, "x", "tanh", [], {}, [[]], {"object": 0}, {"object": -1}, {"object": 1.5}]
WRONG += [
    {"array": "layers.0.W"},
    {"array": "W"},
    {"op": "sin"},
    {"op": "eval"},
    {"op": "matmul"},
    {"op": "pow"},
    {"tuple": 1},
    {"dict": [1]},
]
WRONG += [{"dict": [[[], 1]]}, {"scalar": ["O", 1]}, {"scalar": ["<f8", "x"]}, {"scalar": ["<U3", 1]}, {"float": "1"}]
WRONG += [{"text": "layers.0.W"}, {"columns": 1}, {"objects": 3}, {"array": "a", "text": "b"}, {"class": "MLP"}]


def places(tree, path=()):
    """Yield the path to every value in a tree of JSON."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, inner in items:
        yield (*path, key)
        if key != "key":  # the 624 words of a random state are alike
            yield from places(inner, (*path, key))


def changed(tree, path, value):
    """Return the tree with another value at a path, or without what is there; the rest is shared with it."""
    key, *inner = path
    tree = tree.copy()
    if inner:
        tree[key] = changed(tree[key], inner, value)
    elif value is places:
        del tree[key]
    else:
        tree[key] = value
    return tree


FUZZED = {
    "dense and dropout": small,
    "values": lambda: nn.MLP(2, [1, 1]),
    "random state": lambda: nn.Sequential(nn.Dropout(0.5, rng=np.random.RandomState(0)), nn.Dense(2, 1, rng=0)),
}


@pytest.mark.parametrize("name", FUZZED)
def test_one_wrong_value_in_a_description_gives_an_error_or_a_model_that_works(name, tmp_path):
    records, arrays = describe(FUZZED[name]())
    path = tmp_path / "model"
    refusals = 0
    for place in places(records):
        for wrong in (places, *WRONG):
            path.write_bytes(storage.pack({"model": changed(records, place, wrong)}, arrays))
            try:
                model = nn.load(path)
            except FormatError:
                refusals += 1
                continue
            assert isinstance(model, nn.Module)
            try:
                model([0.5, 0.25])
            except (AutogradError, RecursionError):  # a network may hold itself, and then has no output
                refusals += 1
            assert all(p.label is not None and np.isfinite(p.data).all() for p in model.parameters())
    assert refusals > 100


@pytest.mark.parametrize("key", ["pos", "key"])
def test_a_random_state_that_points_outside_itself_is_refused(key, tmp_path):
    records, arrays = describe(nn.Dropout(0.5, rng=np.random.RandomState(0)))
    for wrong in ([], [1] * 623, [1] * 625) if key == "key" else (-1, 625, 10**9):
        (record,) = (r for r in records if r["class"] == "RandomState")
        path = tmp_path / "model"
        path.write_bytes(storage.pack({"model": [records[0], {**record, key: wrong}]}, arrays))
        with pytest.raises(FormatError, match="random state"):
            nn.load(path)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_parameters_that_are_not_finite_are_refused(bad, tmp_path):
    records, arrays = describe(small())
    arrays["layers.0.W"] = np.array([[bad, 0.0], [0.0, 0.0]])
    (tmp_path / "model").write_bytes(storage.pack({"model": records}, arrays))
    with pytest.raises(FormatError, match="finite"):
        nn.load(tmp_path / "model")


@pytest.mark.parametrize(
    "wrong",
    [np.ones((2, 3, 1)), np.ones(3), np.ones((3, 2)), np.ones((0, 2)), np.ones((2, 2), int), np.ones((2, 2), bool)],
)
def test_parameters_that_do_not_go_together_are_refused(wrong, tmp_path):
    records, arrays = describe(small())
    (tmp_path / "model").write_bytes(storage.pack({"model": records}, {**arrays, "layers.0.W": wrong}))
    with pytest.raises(FormatError, match="describes no model"):
        nn.load(tmp_path / "model")


@pytest.mark.parametrize("wrong", [np.full((3, 1), 0x110000, np.uint32), np.ones((3, 1)), np.ones(3, np.uint32)])
def test_labels_of_impossible_characters_are_refused(wrong, tmp_path):
    pytest.importorskip("sklearn")
    X = np.arange(12.0).reshape(6, 2)
    model = nn.MLPClassifier((2,), solver="lbfgs", max_iter=500, random_state=0).fit(X, list("abcabc"))
    records, arrays = describe(model)
    (tmp_path / "model").write_bytes(storage.pack({"model": records}, {**arrays, "classes_": wrong}))
    with pytest.raises(FormatError, match="describes no model"):
        nn.load(tmp_path / "model")


def test_layers_of_an_estimator_that_do_not_go_together_are_refused(tmp_path):
    pytest.importorskip("sklearn")
    model = nn.MLPRegressor(hidden_layer_sizes=(3,), solver="lbfgs", random_state=0).fit(np.eye(4), np.arange(4.0))
    records, arrays = describe(model)
    for name, wrong in (("coefs_.0", np.ones((4, 2))), ("coefs_.1", np.ones(3)), ("intercepts_.0", np.ones((3, 1)))):
        (tmp_path / "model").write_bytes(storage.pack({"model": records}, {**arrays, name: wrong}))
        with pytest.raises(FormatError, match="do not go together"):
            nn.load(tmp_path / "model")
