// The Python that does the same here: the same data in the same order, the same first weights, the same updates.

const listed = rows => `[${rows.map(row => Array.isArray(row) ? listed(row) : repr(row)).join(", ")}]`;
const wrapped = (rows, indent) => `[\n${rows.map(row => `${indent}    ${Array.isArray(row) ? listed(row) : repr(row)},`).join("\n")}\n${indent}]`;
const OPTIMIZER_CODE = { sgd: rate => `nn.sgd(${repr(rate)})`, momentum: rate => `nn.sgd(${repr(rate)}, momentum=0.9)`, adam: rate => `nn.adam(${repr(rate)})` };

function dataCode(name, X, T, classes) {
  const y = classes ? listed(T.map(row => row.indexOf(1))) : wrapped(T, "");
  return `X${name} = np.array(${wrapped(X, "")})\ny${name} = np.array(${y})\n`;
}

function lossCode(net) {
  const wide = net.widths[net.widths.length - 1], name = LOSSES[net.loss] || "half_squared_error";
  if (net.loss === "softmax" || wide === 1) return `loss = nn.${name}\n`;
  return `def loss(p, y):  # of a sample: the sum over its ${wide} outputs\n    return ${wide} * nn.${name}(p, y)\n\n`;
}

function modelCode(net, theta) {
  const layers = net.layers.map(({ n_in, n_out, g, w, b }, i) => {
    const W = Array.from({ length: n_out }, (_, k) => Array.from(theta.subarray(w + k * n_in, w + (k + 1) * n_in)));
    const inside = i === net.layers.length - 1 && net.loss !== "half" ? "identity" : g;
    const note = inside === g ? "" : `    # ${g} is in the loss, which takes z\n`;
    return `${note}    nn.Dense(${n_in}, ${n_out}, "${inside}", init=nn.init.given(${wrapped(W, "    ")}, ${listed(Array.from(theta.subarray(b, b + n_out)))})),\n`;
  });
  return `model = nn.Sequential(\n${layers.join("")})\n`;
}

function trainingCode(training, rate) {
  const { runs, epochs, at, data } = training, held = data.held.X.length > 0;
  const note = "losses = [nn.evaluate(model, X, y, loss=loss)]  # before the first epoch, and after each\n";
  if (runs.length <= 1 && !at && epochs) {
    const [first, batch] = runs[0];
    return `${note}history = nn.fit(\n    model, X, y, loss=loss, optimizer=${OPTIMIZER_CODE[training.optimizer](first)}, epochs=${epochs}, batch_size=${batch}, shuffle=False,\n` +
      `${held ? "    validation=(X_held, y_held),\n" : ""}    callbacks=[lambda model, record: losses.append(nn.evaluate(model, X, y, loss=loss))],\n)\n`;
  }
  const lines = [
    `optimizer = ${OPTIMIZER_CODE[training.optimizer](runs.length ? runs[0][0] : rate)}`, "state = optimizer.init(model)", "start = 0",
    `for rate, batch, times in ${listed(runs)}:`,
    "    for _ in range(times):",
    "        stop = min(start + batch, len(X))",
    "        value = loss(model(X[start:stop]), y[start:stop])",
    "        model.zero_grad()",
    "        value.backward()",
    "        optimizer.update(state, rate)",
    "        start = stop % len(X)",
    "        if start == 0:",
    "            losses.append(nn.evaluate(model, X, y, loss=loss))",
  ];
  return `${note}${lines.join("\n")}\n`;
}

function codeOf(training, rate) {
  const { net, data, start } = training, classes = net.loss === "softmax";
  const held = data.held.X.length ? `${dataCode("_held", data.held.X, data.held.T, classes)}` : "";
  return `import numpy as np\n\nimport nn\n\n${dataCode("", data.X, data.T, classes)}${held}\n${modelCode(net, start)}\n${lossCode(net)}${trainingCode(training, rate)}print(nn.evaluate(model, X, y, loss=loss))\n`;
}
