// An OPC UA server that is not ours: node-opcua. What it serves is chosen by the JSON in its first argument; it prints one line of JSON when it is up.
"use strict";
const path = require("path");
const {
  OPCUAServer, OPCUACertificateManager, Variant, DataType, VariantArrayType, StatusCodes, nodesets, MessageSecurityMode, SecurityPolicy, UserTokenType,
  s, coerceLocalizedText,
} = require("node-opcua");

const wish = JSON.parse(process.argv[2]);

async function main() {
  const pki = (name) => new OPCUACertificateManager({ rootFolder: path.join(wish.folder, name), automaticallyAcceptUnknownCertificate: true });
  const server = new OPCUAServer({
    port: wish.port || 0,
    hostname: "127.0.0.1",
    host: "127.0.0.1",
    resourcePath: "/peer",
    allowAnonymous: wish.anonymous !== false,
    nodeset_filename: (wish.nodesets || ["standard"]).map((name) => nodesets[name]),
    serverCertificateManager: pki("pki"),
    userCertificateManager: pki("users"),
    securityPolicies: (wish.policies || ["None"]).map((name) => SecurityPolicy[name]),
    securityModes: (wish.modes || ["None"]).map((name) => MessageSecurityMode[name]),
    userManager: { isValidUser: (name, password) => name === "reader" && password === "secret" },
    serverInfo: { applicationUri: "urn:127.0.0.1:peer", productUri: "urn:test:peer" },
    buildInfo: { productName: "peer", manufacturerName: "somebody", softwareVersion: "1" },
    serverCapabilities: { operationLimits: wish.limits || {} },
  });
  await server.initialize();
  const space = server.engine.addressSpace;
  if (wish.content) require(wish.content)(require("node-opcua"), space, server);
  await server.start();
  console.log(JSON.stringify({ port: server.endpoints[0].port }));
}

main().catch((error) => { console.error(error.stack); process.exit(1); });
