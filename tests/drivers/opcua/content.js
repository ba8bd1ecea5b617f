// The address space of the peer for the tests of discovery and of structures: machines of companion types, and values of every difficult kind.
"use strict";
module.exports = (opcua, space) => {
  const { Variant, DataType, VariantArrayType, coerceLocalizedText, StatusCodes } = opcua;
  const own = space.getOwnNamespace();
  const objects = space.rootFolder.objects;
  const at = (uri) => space.getNamespaceIndex(uri);
  const tool = space.findObjectType("MachineToolType", at("http://opcfoundation.org/UA/MachineTool/"));
  if (tool) {
    const watched = "Monitoring.MachineTool.";
    const made = tool.instantiate({
      browseName: "Mill 1", nodeId: "s=Mill1", organizedBy: objects,
      optionals: [`${watched}FeedOverride`, `${watched}MachineryItemState`, `${watched}MachineryOperationMode`, `${watched}OperationCounters`,
        `${watched}OperationCounters.PartsProducedInLifetime`, `${watched}OperationCounters.PowerOnDuration`, "Production.ActiveProgram.JobIdentifier"],
    });
    made.monitoring.machineTool.operationMode.setValueFromSource({ dataType: DataType.Int32, value: 1 });
  }
  const packml = space.findObjectType("PackMLBaseObjectType", at("http://opcfoundation.org/UA/PackML/"));
  if (packml) packml.instantiate({ browseName: "Packer", nodeId: "s=Packer", organizedBy: objects, optionals: ["Admin.MachDesignSpeed", "Admin.ProdProcessedCount", "Admin.ProdDefectiveCount"] });
  const many = own.addFolder(objects, { browseName: "Many", nodeId: "s=Many" });
  for (let number = 0; number < 1200; number++) {
    own.addVariable({ organizedBy: many, browseName: `v${number}`, nodeId: `s=Many.v${number}`, dataType: "Double", value: { dataType: DataType.Double, value: number } });
  }
  const oven = own.addObject({ organizedBy: objects, browseName: "Oven", nodeId: "s=Oven" });
  own.addAnalogDataItem({ componentOf: oven, browseName: "Heat", nodeId: "s=Oven.Heat", dataType: "Double", engineeringUnitsRange: { low: 0, high: 400 },
    engineeringUnits: opcua.standardUnits.degree_celsius, value: { dataType: DataType.Double, value: 181.5 } });
  own.addVariable({ componentOf: oven, browseName: "Zones", nodeId: "s=Oven.Zones", dataType: "Double", valueRank: 1,
    value: { dataType: DataType.Double, arrayType: VariantArrayType.Array, value: new Float64Array([1, NaN, 3]) } });
  own.addVariable({ componentOf: oven, browseName: "State\u001b[31m", nodeId: "s=Oven.State", dataType: "String", value: { dataType: DataType.String, value: "on" } });
  own.addVariable({ componentOf: oven, browseName: "Evil", nodeId: "s=Oven.Ev\u0007il", dataType: "String", value: { dataType: DataType.String, value: "on" } });
  own.addVariable({ componentOf: oven, browseName: "heat", nodeId: "s=Oven.Heat2", dataType: "Double", value: { dataType: DataType.Double, value: 2 } });
  own.addVariable({ componentOf: oven, browseName: "Operator", nodeId: "s=Oven.Operator", dataType: "String", value: { dataType: DataType.String, value: "Zhang San" } });
  const mode = own.addEnumerationType({ browseName: "OvenStates", enumeration: [{ value: 0, displayName: "Off" }, { value: 3, displayName: "Heating up (set-up)" }, { value: 7, displayName: "Running" }] });
  own.addVariable({ componentOf: oven, browseName: "OvenState", nodeId: "s=Oven.OvenState", dataType: mode, value: { dataType: DataType.Int32, value: 7 } });
  const auto = at("http://opcfoundation.org/UA/AutoID/");
  if (auto >= 0) {
    const folder = own.addFolder(objects, { browseName: "Scanner", nodeId: "s=Scanner" });
    const variable = (name, type, value) =>
      own.addVariable({ componentOf: folder, browseName: name, nodeId: `s=Scanner.${name}`, dataType: space.findDataType(type, auto), value: { dataType: DataType.ExtensionObject, value } });
    const make = (type, fields) => space.constructExtensionObject(space.findDataType(type, auto), fields);
    variable("Where", "Location", make("Location", { local: make("LocalCoordinate", { x: 1.5, y: -2.5, z: 0, timestamp: new Date(Date.UTC(2026, 8, 1)), dilutionOfPrecision: 2 }) }));
    variable("Seen", "RfidScanResult", make("RfidScanResult", {
      codeType: "EPC", scanData: make("ScanData", { string: "urn:epc:1" }), timestamp: new Date(Date.UTC(2026, 8, 1)),
      location: make("Location", { name: "gate" }),
      sighting: [make("RfidSighting", { antenna: 3, strength: -40, timestamp: new Date(Date.UTC(2026, 8, 1)), currentPowerLevel: 7 })],
    }));
  }
};
