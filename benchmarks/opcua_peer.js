// node-opcua's client as a peer: node opcua_peer.js URL NODES SECONDS watch|read ; prints one line of JSON.
// CPU is that of this process from the first value to the last.
const opcua = require("node-opcua");
const [url, nodes, seconds, what] = process.argv.slice(2);
const count = Number(nodes);
let values = 0, first = null, last = null;
function seen(number) {
  values += number;
  const usage = process.cpuUsage();
  const at = { cpu: usage.user + usage.system, time: Date.now(), values };
  if (first === null) first = at;
  last = at;
}
(async () => {
  const client = opcua.OPCUAClient.create({
    endpointMustExist: false, keepSessionAlive: false, requestedSessionTimeout: 600000, connectionStrategy: { maxRetry: 2 },
    securityMode: opcua.MessageSecurityMode.None, securityPolicy: opcua.SecurityPolicy.None,
  });
  await client.connect(url);
  const session = await client.createSession();
  const ids = [...Array(count).keys()].map((each) => ({ nodeId: `ns=1;i=${1000 + each}`, attributeId: opcua.AttributeIds.Value }));
  const end = Date.now() + 1000 * Number(seconds);
  if (what === "read") {
    while (Date.now() < end) {
      for (let at = 0; at < count; at += 1000) {
        const part = await session.read(ids.slice(at, at + 1000));
        seen(part.length);
      }
    }
  } else {
    const subscription = await session.createSubscription2({
      requestedPublishingInterval: 100, requestedLifetimeCount: 6000, requestedMaxKeepAliveCount: 20,
      maxNotificationsPerPublish: 0, publishingEnabled: true, priority: 0,
    });
    let waiting = 0;
    for (let at = 0; at < count; at += 1000) {
      const group = await subscription.monitorItems(
        ids.slice(at, at + 1000), { samplingInterval: 100, queueSize: 10, discardOldest: true }, opcua.TimestampsToReturn.Both);
      group.on("changed", () => { waiting += 1; if (waiting === 1000) { seen(1000); waiting = 0; } });
    }
    while (Date.now() < end) await new Promise((done) => setTimeout(done, 100));
    values += waiting;
  }
  console.log(JSON.stringify({
    values, measured: last.values - first.values, cpu_s: (last.cpu - first.cpu) / 1e6, wall_s: (last.time - first.time) / 1e3,
    peak_mib: process.resourceUsage().maxRSS / 1024,
  }));
  process.exit(0);
})().catch((error) => { console.error(error); process.exit(1); });
