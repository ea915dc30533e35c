/*eslint-disable block-scoped-var, id-length, no-control-regex, no-magic-numbers, no-mixed-operators, no-prototype-builtins, no-redeclare, no-shadow, no-var, sort-vars, default-case, jsdoc/require-param*/
import $protobuf from "protobufjs/minimal.js";

const $Reader = $protobuf.Reader, $Writer = $protobuf.Writer, $util = $protobuf.util;
const $Object = $util.global.Object, $undefined = $util.global.undefined, $Error = $util.global.Error, $RangeError = $util.global.RangeError;

const $root = $protobuf.roots["estiba-node"] || ($protobuf.roots["estiba-node"] = {});

export const estiba = $root.estiba = (() => {

    const estiba = {};

    estiba.node = (function() {

        const node = {};

        node.v1 = (function() {

            const v1 = {};

            v1.NodeService = (function() {

                const NodeService = function(rpcImpl, requestDelimited, responseDelimited) {
                    $protobuf.rpc.Service.call(this, rpcImpl, requestDelimited, responseDelimited);
                };

                $Object.defineProperty(NodeService.prototype = $Object.create($protobuf.rpc.Service.prototype), "constructor", { value: NodeService, writable: true, enumerable: false, configurable: true });



                $Object.defineProperties(NodeService.prototype.importImages = function(request, callback) {
                    return $protobuf.rpc.Service.prototype.rpcCall.call(this, NodeService.prototype.importImages, $root.estiba.node.v1.ImportImagesRequest, $root.estiba.node.v1.ImportProgress, request, callback);
                }, {
                    name: { value: "ImportImages" },
                    path: { value: "/estiba.node.v1.NodeService/ImportImages" },
                    requestType: { value: "ImportImagesRequest" },
                    responseType: { value: "ImportProgress" },
                    requestStream: { value: $undefined },
                    responseStream: { value: true }
                });



                $Object.defineProperties(NodeService.prototype.pullImage = function(request, callback) {
                    return $protobuf.rpc.Service.prototype.rpcCall.call(this, NodeService.prototype.pullImage, $root.estiba.node.v1.PullImageRequest, $root.estiba.node.v1.PullProgress, request, callback);
                }, {
                    name: { value: "PullImage" },
                    path: { value: "/estiba.node.v1.NodeService/PullImage" },
                    requestType: { value: "PullImageRequest" },
                    responseType: { value: "PullProgress" },
                    requestStream: { value: $undefined },
                    responseStream: { value: true }
                });



                $Object.defineProperties(NodeService.prototype.explainImage = function(request, callback) {
                    return $protobuf.rpc.Service.prototype.rpcCall.call(this, NodeService.prototype.explainImage, $root.estiba.node.v1.ExplainImageRequest, $root.estiba.node.v1.ExplainImageResponse, request, callback);
                }, {
                    name: { value: "ExplainImage" },
                    path: { value: "/estiba.node.v1.NodeService/ExplainImage" },
                    requestType: { value: "ExplainImageRequest" },
                    responseType: { value: "ExplainImageResponse" },
                    requestStream: { value: $undefined },
                    responseStream: { value: $undefined }
                });

                return NodeService;
            })();

            v1.RegistryAuth = (function() {

                const RegistryAuth = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                RegistryAuth.prototype.username = "";
                RegistryAuth.prototype.password = "";
                RegistryAuth.prototype.auth = "";
                RegistryAuth.prototype.serverAddress = "";
                RegistryAuth.prototype.identityToken = "";
                RegistryAuth.prototype.registryToken = "";

                RegistryAuth.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.username != null && $Object.hasOwnProperty.call(message, "username") && message.username !== "")
                        writer.uint32(10).string(message.username);
                    if (message.password != null && $Object.hasOwnProperty.call(message, "password") && message.password !== "")
                        writer.uint32(18).string(message.password);
                    if (message.auth != null && $Object.hasOwnProperty.call(message, "auth") && message.auth !== "")
                        writer.uint32(26).string(message.auth);
                    if (message.serverAddress != null && $Object.hasOwnProperty.call(message, "serverAddress") && message.serverAddress !== "")
                        writer.uint32(34).string(message.serverAddress);
                    if (message.identityToken != null && $Object.hasOwnProperty.call(message, "identityToken") && message.identityToken !== "")
                        writer.uint32(42).string(message.identityToken);
                    if (message.registryToken != null && $Object.hasOwnProperty.call(message, "registryToken") && message.registryToken !== "")
                        writer.uint32(50).string(message.registryToken);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                RegistryAuth.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.estiba.node.v1.RegistryAuth();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.username = value;
                                else
                                    delete message.username;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.password = value;
                                else
                                    delete message.password;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.auth = value;
                                else
                                    delete message.auth;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.serverAddress = value;
                                else
                                    delete message.serverAddress;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.identityToken = value;
                                else
                                    delete message.identityToken;
                                continue;
                            }
                        case 6: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.registryToken = value;
                                else
                                    delete message.registryToken;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return RegistryAuth;
            })();

            v1.PullImageRequest = (function() {

                const PullImageRequest = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                PullImageRequest.prototype.image = "";
                PullImageRequest.prototype.auth = null;

                PullImageRequest.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.image != null && $Object.hasOwnProperty.call(message, "image") && message.image !== "")
                        writer.uint32(10).string(message.image);
                    if (message.auth != null && $Object.hasOwnProperty.call(message, "auth"))
                        $root.estiba.node.v1.RegistryAuth.encode(message.auth, writer.uint32(18).fork(), _depth + 1).ldelim();
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                PullImageRequest.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.estiba.node.v1.PullImageRequest();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.image = value;
                                else
                                    delete message.image;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                message.auth = $root.estiba.node.v1.RegistryAuth.decode(reader, reader.size(), $undefined, _depth + 1, message.auth);
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return PullImageRequest;
            })();

            v1.PullProgress = (function() {

                const PullProgress = function (properties) {
                    this.layers = [];
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                PullProgress.prototype.reference = "";
                PullProgress.prototype.digest = "";
                PullProgress.prototype.host = "";
                PullProgress.prototype.layers = $util.emptyArray;
                PullProgress.prototype.image = null;

                PullProgress.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.reference != null && $Object.hasOwnProperty.call(message, "reference") && message.reference !== "")
                        writer.uint32(10).string(message.reference);
                    if (message.digest != null && $Object.hasOwnProperty.call(message, "digest") && message.digest !== "")
                        writer.uint32(18).string(message.digest);
                    if (message.host != null && $Object.hasOwnProperty.call(message, "host") && message.host !== "")
                        writer.uint32(26).string(message.host);
                    if (message.layers != null && message.layers.length)
                        for (let i = 0; i < message.layers.length; ++i)
                            $root.estiba.node.v1.PulledLayer.encode(message.layers[i], writer.uint32(34).fork(), _depth + 1).ldelim();
                    if (message.image != null && $Object.hasOwnProperty.call(message, "image"))
                        $root.estiba.node.v1.ImportedImage.encode(message.image, writer.uint32(42).fork(), _depth + 1).ldelim();
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                PullProgress.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.estiba.node.v1.PullProgress();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.reference = value;
                                else
                                    delete message.reference;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.digest = value;
                                else
                                    delete message.digest;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.host = value;
                                else
                                    delete message.host;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 2)
                                    break;
                                if (!(message.layers && message.layers.length))
                                    message.layers = [];
                                message.layers.push($root.estiba.node.v1.PulledLayer.decode(reader, reader.size(), $undefined, _depth + 1));
                                continue;
                            }
                        case 5: {
                                if (wireType !== 2)
                                    break;
                                message.image = $root.estiba.node.v1.ImportedImage.decode(reader, reader.size(), $undefined, _depth + 1, message.image);
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return PullProgress;
            })();

            v1.PulledLayerState = (function() {
                const valuesById = $Object.create(null), values = $Object.create(valuesById);
                values[valuesById[0] = "PULLED_LAYER_STATE_UNSPECIFIED"] = 0;
                values[valuesById[1] = "PULLED_LAYER_STATE_WAITING"] = 1;
                values[valuesById[2] = "PULLED_LAYER_STATE_PULLING"] = 2;
                values[valuesById[3] = "PULLED_LAYER_STATE_DONE"] = 3;
                values[valuesById[4] = "PULLED_LAYER_STATE_PRESENT"] = 4;
                return values;
            })();

            v1.PulledLayer = (function() {

                const PulledLayer = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                PulledLayer.prototype.digest = "";
                PulledLayer.prototype.size = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                PulledLayer.prototype.state = 0;
                PulledLayer.prototype.receivedBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                PulledLayer.prototype.fetchedBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                PulledLayer.prototype.unpackedBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                PulledLayer.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.digest != null && $Object.hasOwnProperty.call(message, "digest") && message.digest !== "")
                        writer.uint32(10).string(message.digest);
                    if (message.size != null && $Object.hasOwnProperty.call(message, "size") && (typeof message.size === "object" ? message.size.low || message.size.high : message.size !== 0))
                        writer.uint32(16).uint64(message.size);
                    if (message.state != null && $Object.hasOwnProperty.call(message, "state") && message.state !== 0)
                        writer.uint32(24).int32(message.state);
                    if (message.receivedBytes != null && $Object.hasOwnProperty.call(message, "receivedBytes") && (typeof message.receivedBytes === "object" ? message.receivedBytes.low || message.receivedBytes.high : message.receivedBytes !== 0))
                        writer.uint32(32).uint64(message.receivedBytes);
                    if (message.fetchedBytes != null && $Object.hasOwnProperty.call(message, "fetchedBytes") && (typeof message.fetchedBytes === "object" ? message.fetchedBytes.low || message.fetchedBytes.high : message.fetchedBytes !== 0))
                        writer.uint32(40).uint64(message.fetchedBytes);
                    if (message.unpackedBytes != null && $Object.hasOwnProperty.call(message, "unpackedBytes") && (typeof message.unpackedBytes === "object" ? message.unpackedBytes.low || message.unpackedBytes.high : message.unpackedBytes !== 0))
                        writer.uint32(48).uint64(message.unpackedBytes);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                PulledLayer.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.estiba.node.v1.PulledLayer();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.digest = value;
                                else
                                    delete message.digest;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.size = value;
                                else
                                    delete message.size;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.state = value;
                                else
                                    delete message.state;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.receivedBytes = value;
                                else
                                    delete message.receivedBytes;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.fetchedBytes = value;
                                else
                                    delete message.fetchedBytes;
                                continue;
                            }
                        case 6: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.unpackedBytes = value;
                                else
                                    delete message.unpackedBytes;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return PulledLayer;
            })();

            v1.ExplainImageRequest = (function() {

                const ExplainImageRequest = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                ExplainImageRequest.prototype.image = "";
                ExplainImageRequest.prototype.auth = null;
                ExplainImageRequest.prototype.probe = false;

                ExplainImageRequest.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.image != null && $Object.hasOwnProperty.call(message, "image") && message.image !== "")
                        writer.uint32(10).string(message.image);
                    if (message.auth != null && $Object.hasOwnProperty.call(message, "auth"))
                        $root.estiba.node.v1.RegistryAuth.encode(message.auth, writer.uint32(18).fork(), _depth + 1).ldelim();
                    if (message.probe != null && $Object.hasOwnProperty.call(message, "probe") && message.probe !== false)
                        writer.uint32(24).bool(message.probe);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                ExplainImageRequest.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.estiba.node.v1.ExplainImageRequest();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.image = value;
                                else
                                    delete message.image;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                message.auth = $root.estiba.node.v1.RegistryAuth.decode(reader, reader.size(), $undefined, _depth + 1, message.auth);
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.probe = value;
                                else
                                    delete message.probe;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return ExplainImageRequest;
            })();

            v1.ExplainImageResponse = (function() {

                const ExplainImageResponse = function (properties) {
                    this.notes = [];
                    this.hosts = [];
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                ExplainImageResponse.prototype.reference = "";
                ExplainImageResponse.prototype.domain = "";
                ExplainImageResponse.prototype.source = "";
                ExplainImageResponse.prototype.notes = $util.emptyArray;
                ExplainImageResponse.prototype.hosts = $util.emptyArray;

                ExplainImageResponse.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.reference != null && $Object.hasOwnProperty.call(message, "reference") && message.reference !== "")
                        writer.uint32(10).string(message.reference);
                    if (message.domain != null && $Object.hasOwnProperty.call(message, "domain") && message.domain !== "")
                        writer.uint32(18).string(message.domain);
                    if (message.source != null && $Object.hasOwnProperty.call(message, "source") && message.source !== "")
                        writer.uint32(26).string(message.source);
                    if (message.notes != null && message.notes.length)
                        for (let i = 0; i < message.notes.length; ++i)
                            writer.uint32(34).string(message.notes[i]);
                    if (message.hosts != null && message.hosts.length)
                        for (let i = 0; i < message.hosts.length; ++i)
                            $root.estiba.node.v1.ExplainedHost.encode(message.hosts[i], writer.uint32(42).fork(), _depth + 1).ldelim();
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                ExplainImageResponse.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.estiba.node.v1.ExplainImageResponse();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.reference = value;
                                else
                                    delete message.reference;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.domain = value;
                                else
                                    delete message.domain;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.source = value;
                                else
                                    delete message.source;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 2)
                                    break;
                                if (!(message.notes && message.notes.length))
                                    message.notes = [];
                                message.notes.push(reader.stringVerify());
                                continue;
                            }
                        case 5: {
                                if (wireType !== 2)
                                    break;
                                if (!(message.hosts && message.hosts.length))
                                    message.hosts = [];
                                message.hosts.push($root.estiba.node.v1.ExplainedHost.decode(reader, reader.size(), $undefined, _depth + 1));
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return ExplainImageResponse;
            })();

            v1.ExplainedHost = (function() {

                const ExplainedHost = function (properties) {
                    this.capabilities = [];
                    this.caFiles = [];
                    this.clientCertificates = [];
                    this.headers = [];
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                ExplainedHost.prototype.url = "";
                ExplainedHost.prototype.origin = "";
                ExplainedHost.prototype.capabilities = $util.emptyArray;
                ExplainedHost.prototype.upstream = false;
                ExplainedHost.prototype.namespace = "";
                ExplainedHost.prototype.verified = false;
                ExplainedHost.prototype.caFiles = $util.emptyArray;
                ExplainedHost.prototype.clientCertificates = $util.emptyArray;
                ExplainedHost.prototype.mayFallBackToHttp = false;
                ExplainedHost.prototype.headers = $util.emptyArray;
                ExplainedHost.prototype.proxy = "";
                ExplainedHost.prototype.credentials = "";
                ExplainedHost.prototype.credentialsSource = "";
                ExplainedHost.prototype.problem = "";
                ExplainedHost.prototype.probe = null;

                ExplainedHost.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.url != null && $Object.hasOwnProperty.call(message, "url") && message.url !== "")
                        writer.uint32(10).string(message.url);
                    if (message.origin != null && $Object.hasOwnProperty.call(message, "origin") && message.origin !== "")
                        writer.uint32(18).string(message.origin);
                    if (message.capabilities != null && message.capabilities.length)
                        for (let i = 0; i < message.capabilities.length; ++i)
                            writer.uint32(26).string(message.capabilities[i]);
                    if (message.upstream != null && $Object.hasOwnProperty.call(message, "upstream") && message.upstream !== false)
                        writer.uint32(32).bool(message.upstream);
                    if (message.namespace != null && $Object.hasOwnProperty.call(message, "namespace") && message.namespace !== "")
                        writer.uint32(42).string(message.namespace);
                    if (message.verified != null && $Object.hasOwnProperty.call(message, "verified") && message.verified !== false)
                        writer.uint32(48).bool(message.verified);
                    if (message.caFiles != null && message.caFiles.length)
                        for (let i = 0; i < message.caFiles.length; ++i)
                            writer.uint32(58).string(message.caFiles[i]);
                    if (message.clientCertificates != null && message.clientCertificates.length)
                        for (let i = 0; i < message.clientCertificates.length; ++i)
                            writer.uint32(66).string(message.clientCertificates[i]);
                    if (message.mayFallBackToHttp != null && $Object.hasOwnProperty.call(message, "mayFallBackToHttp") && message.mayFallBackToHttp !== false)
                        writer.uint32(72).bool(message.mayFallBackToHttp);
                    if (message.headers != null && message.headers.length)
                        for (let i = 0; i < message.headers.length; ++i)
                            writer.uint32(82).string(message.headers[i]);
                    if (message.proxy != null && $Object.hasOwnProperty.call(message, "proxy") && message.proxy !== "")
                        writer.uint32(90).string(message.proxy);
                    if (message.credentials != null && $Object.hasOwnProperty.call(message, "credentials") && message.credentials !== "")
                        writer.uint32(98).string(message.credentials);
                    if (message.credentialsSource != null && $Object.hasOwnProperty.call(message, "credentialsSource") && message.credentialsSource !== "")
                        writer.uint32(106).string(message.credentialsSource);
                    if (message.problem != null && $Object.hasOwnProperty.call(message, "problem") && message.problem !== "")
                        writer.uint32(114).string(message.problem);
                    if (message.probe != null && $Object.hasOwnProperty.call(message, "probe"))
                        $root.estiba.node.v1.HostProbe.encode(message.probe, writer.uint32(122).fork(), _depth + 1).ldelim();
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                ExplainedHost.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.estiba.node.v1.ExplainedHost();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.url = value;
                                else
                                    delete message.url;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.origin = value;
                                else
                                    delete message.origin;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 2)
                                    break;
                                if (!(message.capabilities && message.capabilities.length))
                                    message.capabilities = [];
                                message.capabilities.push(reader.stringVerify());
                                continue;
                            }
                        case 4: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.upstream = value;
                                else
                                    delete message.upstream;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.namespace = value;
                                else
                                    delete message.namespace;
                                continue;
                            }
                        case 6: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.verified = value;
                                else
                                    delete message.verified;
                                continue;
                            }
                        case 7: {
                                if (wireType !== 2)
                                    break;
                                if (!(message.caFiles && message.caFiles.length))
                                    message.caFiles = [];
                                message.caFiles.push(reader.stringVerify());
                                continue;
                            }
                        case 8: {
                                if (wireType !== 2)
                                    break;
                                if (!(message.clientCertificates && message.clientCertificates.length))
                                    message.clientCertificates = [];
                                message.clientCertificates.push(reader.stringVerify());
                                continue;
                            }
                        case 9: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.mayFallBackToHttp = value;
                                else
                                    delete message.mayFallBackToHttp;
                                continue;
                            }
                        case 10: {
                                if (wireType !== 2)
                                    break;
                                if (!(message.headers && message.headers.length))
                                    message.headers = [];
                                message.headers.push(reader.stringVerify());
                                continue;
                            }
                        case 11: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.proxy = value;
                                else
                                    delete message.proxy;
                                continue;
                            }
                        case 12: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.credentials = value;
                                else
                                    delete message.credentials;
                                continue;
                            }
                        case 13: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.credentialsSource = value;
                                else
                                    delete message.credentialsSource;
                                continue;
                            }
                        case 14: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.problem = value;
                                else
                                    delete message.problem;
                                continue;
                            }
                        case 15: {
                                if (wireType !== 2)
                                    break;
                                message.probe = $root.estiba.node.v1.HostProbe.decode(reader, reader.size(), $undefined, _depth + 1, message.probe);
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return ExplainedHost;
            })();

            v1.HostProbe = (function() {

                const HostProbe = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                HostProbe.prototype.digest = "";
                HostProbe.prototype.mediaType = "";
                HostProbe.prototype.error = "";
                HostProbe.prototype.elapsedMs = 0;

                HostProbe.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.digest != null && $Object.hasOwnProperty.call(message, "digest") && message.digest !== "")
                        writer.uint32(10).string(message.digest);
                    if (message.mediaType != null && $Object.hasOwnProperty.call(message, "mediaType") && message.mediaType !== "")
                        writer.uint32(18).string(message.mediaType);
                    if (message.error != null && $Object.hasOwnProperty.call(message, "error") && message.error !== "")
                        writer.uint32(26).string(message.error);
                    if (message.elapsedMs != null && $Object.hasOwnProperty.call(message, "elapsedMs") && message.elapsedMs !== 0)
                        writer.uint32(32).uint32(message.elapsedMs);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                HostProbe.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.estiba.node.v1.HostProbe();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.digest = value;
                                else
                                    delete message.digest;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.mediaType = value;
                                else
                                    delete message.mediaType;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.error = value;
                                else
                                    delete message.error;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.elapsedMs = value;
                                else
                                    delete message.elapsedMs;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return HostProbe;
            })();

            v1.ImportImagesRequest = (function() {

                const ImportImagesRequest = function (properties) {
                    this.tags = [];
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                ImportImagesRequest.prototype.path = "";
                ImportImagesRequest.prototype.removeSource = false;
                ImportImagesRequest.prototype.tags = $util.emptyArray;
                ImportImagesRequest.prototype.baseName = "";

                ImportImagesRequest.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.path != null && $Object.hasOwnProperty.call(message, "path") && message.path !== "")
                        writer.uint32(10).string(message.path);
                    if (message.removeSource != null && $Object.hasOwnProperty.call(message, "removeSource") && message.removeSource !== false)
                        writer.uint32(16).bool(message.removeSource);
                    if (message.tags != null && message.tags.length)
                        for (let i = 0; i < message.tags.length; ++i)
                            writer.uint32(26).string(message.tags[i]);
                    if (message.baseName != null && $Object.hasOwnProperty.call(message, "baseName") && message.baseName !== "")
                        writer.uint32(34).string(message.baseName);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                ImportImagesRequest.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.estiba.node.v1.ImportImagesRequest();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.path = value;
                                else
                                    delete message.path;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.removeSource = value;
                                else
                                    delete message.removeSource;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 2)
                                    break;
                                if (!(message.tags && message.tags.length))
                                    message.tags = [];
                                message.tags.push(reader.stringVerify());
                                continue;
                            }
                        case 4: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.baseName = value;
                                else
                                    delete message.baseName;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return ImportImagesRequest;
            })();

            v1.ImportProgress = (function() {

                const ImportProgress = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                ImportProgress.prototype.layer = "";
                ImportProgress.prototype.layerNumber = 0;
                ImportProgress.prototype.layerCount = 0;
                ImportProgress.prototype.blobBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                ImportProgress.prototype.blobTotal = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                ImportProgress.prototype.image = null;
                ImportProgress.prototype.done = false;

                ImportProgress.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.layer != null && $Object.hasOwnProperty.call(message, "layer") && message.layer !== "")
                        writer.uint32(10).string(message.layer);
                    if (message.layerNumber != null && $Object.hasOwnProperty.call(message, "layerNumber") && message.layerNumber !== 0)
                        writer.uint32(16).uint32(message.layerNumber);
                    if (message.layerCount != null && $Object.hasOwnProperty.call(message, "layerCount") && message.layerCount !== 0)
                        writer.uint32(24).uint32(message.layerCount);
                    if (message.blobBytes != null && $Object.hasOwnProperty.call(message, "blobBytes") && (typeof message.blobBytes === "object" ? message.blobBytes.low || message.blobBytes.high : message.blobBytes !== 0))
                        writer.uint32(32).uint64(message.blobBytes);
                    if (message.blobTotal != null && $Object.hasOwnProperty.call(message, "blobTotal") && (typeof message.blobTotal === "object" ? message.blobTotal.low || message.blobTotal.high : message.blobTotal !== 0))
                        writer.uint32(40).uint64(message.blobTotal);
                    if (message.image != null && $Object.hasOwnProperty.call(message, "image"))
                        $root.estiba.node.v1.ImportedImage.encode(message.image, writer.uint32(50).fork(), _depth + 1).ldelim();
                    if (message.done != null && $Object.hasOwnProperty.call(message, "done") && message.done !== false)
                        writer.uint32(56).bool(message.done);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                ImportProgress.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.estiba.node.v1.ImportProgress();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.layer = value;
                                else
                                    delete message.layer;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.layerNumber = value;
                                else
                                    delete message.layerNumber;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.layerCount = value;
                                else
                                    delete message.layerCount;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.blobBytes = value;
                                else
                                    delete message.blobBytes;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.blobTotal = value;
                                else
                                    delete message.blobTotal;
                                continue;
                            }
                        case 6: {
                                if (wireType !== 2)
                                    break;
                                message.image = $root.estiba.node.v1.ImportedImage.decode(reader, reader.size(), $undefined, _depth + 1, message.image);
                                continue;
                            }
                        case 7: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.done = value;
                                else
                                    delete message.done;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return ImportProgress;
            })();

            v1.ImportedImage = (function() {

                const ImportedImage = function (properties) {
                    this.repoTags = [];
                    this.repoDigests = [];
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                ImportedImage.prototype.id = "";
                ImportedImage.prototype.repoTags = $util.emptyArray;
                ImportedImage.prototype.repoDigests = $util.emptyArray;
                ImportedImage.prototype.size = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                ImportedImage.prototype.layersPresent = 0;
                ImportedImage.prototype.layersUnpacked = 0;

                ImportedImage.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.id != null && $Object.hasOwnProperty.call(message, "id") && message.id !== "")
                        writer.uint32(10).string(message.id);
                    if (message.repoTags != null && message.repoTags.length)
                        for (let i = 0; i < message.repoTags.length; ++i)
                            writer.uint32(18).string(message.repoTags[i]);
                    if (message.repoDigests != null && message.repoDigests.length)
                        for (let i = 0; i < message.repoDigests.length; ++i)
                            writer.uint32(26).string(message.repoDigests[i]);
                    if (message.size != null && $Object.hasOwnProperty.call(message, "size") && (typeof message.size === "object" ? message.size.low || message.size.high : message.size !== 0))
                        writer.uint32(32).uint64(message.size);
                    if (message.layersPresent != null && $Object.hasOwnProperty.call(message, "layersPresent") && message.layersPresent !== 0)
                        writer.uint32(40).uint32(message.layersPresent);
                    if (message.layersUnpacked != null && $Object.hasOwnProperty.call(message, "layersUnpacked") && message.layersUnpacked !== 0)
                        writer.uint32(48).uint32(message.layersUnpacked);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                ImportedImage.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.estiba.node.v1.ImportedImage();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.id = value;
                                else
                                    delete message.id;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                if (!(message.repoTags && message.repoTags.length))
                                    message.repoTags = [];
                                message.repoTags.push(reader.stringVerify());
                                continue;
                            }
                        case 3: {
                                if (wireType !== 2)
                                    break;
                                if (!(message.repoDigests && message.repoDigests.length))
                                    message.repoDigests = [];
                                message.repoDigests.push(reader.stringVerify());
                                continue;
                            }
                        case 4: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.size = value;
                                else
                                    delete message.size;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.layersPresent = value;
                                else
                                    delete message.layersPresent;
                                continue;
                            }
                        case 6: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.layersUnpacked = value;
                                else
                                    delete message.layersUnpacked;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                return ImportedImage;
            })();

            return v1;
        })();

        return node;
    })();

    return estiba;
})();

export {
  $root as default
};
