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

                return NodeService;
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
