// An independent OPC UA server (npm node-opcua) whose variables count, so that every lost value shows.
//   NODE_PATH=… node node_server.js '{"pki": "…", "port": 0, "points": 10, "period_ms": 100, …}'
// Every tick each variable ns=<own>;s=v0, v1, … gets the number of the tick and its time. A line of JSON on stdin asks:
//   {"do": "ticks"} → {"ticks": [[number, ms since 1970], …]}   {"do": "stop"} and {"do": "go"}: values stand still, or count on
// "policies" and "modes" name what it offers (None alone, if not told), "certificate" and "key" the files (DER, PEM) of who it is.
//   {"do": "mute"}: Publish is never answered again, everything else is   {"do": "forget"}: sessions and subscriptions are gone
"use strict";
const { OPCUAServer, OPCUACertificateManager, Variant, DataType, StatusCodes, SecurityPolicy, MessageSecurityMode } = require("node-opcua");

const options = Object.assign(
  { port: 0, points: 10, period_ms: 100, first: 1, shift: 0, without: [], limits: {}, hidden: false, monitored: 100000, sessions: 20, history: 0, policies: ["None"], modes: ["None"] },
  JSON.parse(process.argv[2]),
);
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");

async function main() {
  const manager = new OPCUACertificateManager({ rootFolder: options.pki, automaticallyAcceptUnknownCertificate: true });
  const server = new OPCUAServer({
    port: options.port, host: "127.0.0.1", resourcePath: "", allowAnonymous: true, serverCertificateManager: manager,
    securityPolicies: options.policies.map((name) => SecurityPolicy[name]), securityModes: options.modes.map((name) => MessageSecurityMode[name]),
    ...(options.certificate ? { certificateFile: options.certificate, privateKeyFile: options.key } : {}),
    serverInfo: { applicationUri: "urn:test:counting", productUri: "urn:test:counting:product" },
    buildInfo: { manufacturerName: "Test", productName: "Counting", softwareVersion: "1" },
    serverCapabilities: { maxSessions: options.sessions, maxMonitoredItemsPerSubscription: options.monitored, maxMonitoredItems: options.monitored,
      operationLimits: Object.assign({ maxNodesPerRead: 20000, maxMonitoredItemsPerCall: 20000, maxNodesPerHistoryReadData: 20000 }, options.limits) },
  });
  await server.initialize();
  const space = server.engine.addressSpace;
  for (let n = 0; n < options.shift; n++) space.registerNamespace(`urn:test:other:${n}`);
  const own = space.registerNamespace("urn:test:plant");
  const folder = own.addFolder("ObjectsFolder", { browseName: "Plant" });
  const variables = [];
  for (let n = 0; n < options.points; n++) {
    if (options.without.includes(n)) continue;
    const variable = own.addVariable({
      organizedBy: folder, browseName: `v${n}`, nodeId: `s=v${n}`, dataType: "Double", minimumSamplingInterval: 0,
      value: new Variant({ dataType: DataType.Double, value: 0 }),
    });
    if (options.history) space.installHistoricalDataNode(variable, { maxOnlineValues: options.history });
    variables.push(variable);
  }
  if (options.hidden) hideLimits(space);
  await server.start();
  const ticks = [];
  let number = options.first - 1, running = true;
  const tick = () => {
    if (!running) return;
    number += 1;
    const now = new Date();
    for (const variable of variables) variable.setValueFromSource({ dataType: DataType.Double, value: number }, StatusCodes.Good, now);
    ticks.push([number, now.getTime()]);
  };
  if (options.period_ms) setInterval(tick, options.period_ms);
  listen({
    ticks: () => say({ ticks }),
    tick: () => { tick(); say({ ticked: number }); },
    stop: () => { running = false; say({ stopped: number }); },
    go: () => { running = true; say({ going: number }); },
    mute: () => { mute(server); say({ mute: true }); },
    forget: async () => { for (const session of Object.values(server.engine._sessions)) await server.engine.closeSession(session.authenticationToken, true, "Forcing"); say({ forgotten: true }); },
  });
  say({ port: server.endpoints[0].port, namespace: own.index });
}

function hideLimits(space) {
  for (const id of [11705, 11714, 12165, 11710]) {
    const node = space.findNode(`i=${id}`);
    if (node) node.bindVariable({ get: () => new Variant({ dataType: DataType.UInt32, value: 0 }) }, true);
  }
}

function mute(server) {
  for (const session of Object.values(server.engine._sessions)) session.publishEngine._on_PublishRequest = () => {};
  for (const session of Object.values(server.engine._sessions)) session.publishEngine._publish_request_queue = [];
}

function listen(answers) {
  let text = "";
  process.stdin.on("data", (piece) => {
    text += piece;
    const lines = text.split("\n");
    text = lines.pop();
    for (const line of lines) if (line.trim()) answers[JSON.parse(line).do]();
  });
  process.stdin.on("end", () => process.exit(0));
}

main().catch((error) => { process.stderr.write(String(error.stack) + "\n"); process.exit(1); });
