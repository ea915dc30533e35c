/*eslint-disable block-scoped-var, id-length, no-control-regex, no-magic-numbers, no-mixed-operators, no-prototype-builtins, no-redeclare, no-shadow, no-var, sort-vars, default-case, jsdoc/require-param*/
import $protobuf from "protobufjs/minimal.js";

const $Reader = $protobuf.Reader, $Writer = $protobuf.Writer, $util = $protobuf.util;
const $Object = $util.global.Object, $undefined = $util.global.undefined, $Error = $util.global.Error, $RangeError = $util.global.RangeError;

const $root = $protobuf.roots["estiba-isolation"] || ($protobuf.roots["estiba-isolation"] = {});

export const estiba = $root.estiba = (() => {

    const estiba = {};

    estiba.isolation = (function() {

        const isolation = {};

        isolation.v1 = (function() {

            const v1 = {};

            v1.ErrorCode = (function() {
                const valuesById = $Object.create(null), values = $Object.create(valuesById);
                values[valuesById[0] = "ERROR_CODE_UNSPECIFIED"] = 0;
                values[valuesById[1] = "INVALID_ARGUMENT"] = 1;
                values[valuesById[2] = "NOT_FOUND"] = 2;
                values[valuesById[3] = "ALREADY_EXISTS"] = 3;
                values[valuesById[4] = "FAILED_PRECONDITION"] = 4;
                values[valuesById[5] = "UNAVAILABLE"] = 5;
                values[valuesById[6] = "DEADLINE_EXCEEDED"] = 6;
                values[valuesById[7] = "CANCELED"] = 7;
                values[valuesById[8] = "RESOURCE_EXHAUSTED"] = 8;
                values[valuesById[9] = "PERMISSION_DENIED"] = 9;
                values[valuesById[10] = "UNAUTHENTICATED"] = 10;
                values[valuesById[11] = "UNIMPLEMENTED"] = 11;
                values[valuesById[12] = "INTERNAL"] = 12;
                return values;
            })();

            v1.Fault = (function() {

                const Fault = function (properties) {
                    this.chain = [];
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                Fault.prototype.code = 0;
                Fault.prototype.step = "";
                Fault.prototype.errno = 0;
                Fault.prototype.message = "";
                Fault.prototype.chain = $util.emptyArray;

                Fault.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.code != null && $Object.hasOwnProperty.call(message, "code") && message.code !== 0)
                        writer.uint32(8).int32(message.code);
                    if (message.step != null && $Object.hasOwnProperty.call(message, "step") && message.step !== "")
                        writer.uint32(18).string(message.step);
                    if (message.errno != null && $Object.hasOwnProperty.call(message, "errno") && message.errno !== 0)
                        writer.uint32(24).int32(message.errno);
                    if (message.message != null && $Object.hasOwnProperty.call(message, "message") && message.message !== "")
                        writer.uint32(34).string(message.message);
                    if (message.chain != null && message.chain.length)
                        for (let i = 0; i < message.chain.length; ++i)
                            writer.uint32(42).string(message.chain[i]);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                Fault.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.Fault();
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
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.code = value;
                                else
                                    delete message.code;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.step = value;
                                else
                                    delete message.step;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.errno = value;
                                else
                                    delete message.errno;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.message = value;
                                else
                                    delete message.message;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 2)
                                    break;
                                if (!(message.chain && message.chain.length))
                                    message.chain = [];
                                message.chain.push(reader.stringVerify());
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

                return Fault;
            })();

            v1.LauncherRequest = (function() {

                const LauncherRequest = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                LauncherRequest.prototype.version = 0;
                LauncherRequest.prototype.ping = null;
                LauncherRequest.prototype.startPod = null;
                LauncherRequest.prototype.runProgram = null;
                LauncherRequest.prototype.unpack = null;
                LauncherRequest.prototype.removeTrees = null;
                LauncherRequest.prototype.destroyPod = null;
                LauncherRequest.prototype.compileSeccomp = null;
                LauncherRequest.prototype.labelTrees = null;

                let $oneOfFields;

                $Object.defineProperty(LauncherRequest.prototype, "job", {
                    get: $util.oneOfGetter($oneOfFields = ["ping", "startPod", "runProgram", "unpack", "removeTrees", "destroyPod", "compileSeccomp", "labelTrees"]),
                    set: $util.oneOfSetter($oneOfFields)
                });

                LauncherRequest.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.version != null && $Object.hasOwnProperty.call(message, "version") && message.version !== 0)
                        writer.uint32(8).uint32(message.version);
                    if (message.ping != null && $Object.hasOwnProperty.call(message, "ping"))
                        $root.estiba.isolation.v1.Ping.encode(message.ping, writer.uint32(82).fork(), _depth + 1).ldelim();
                    if (message.startPod != null && $Object.hasOwnProperty.call(message, "startPod"))
                        $root.estiba.isolation.v1.StartPod.encode(message.startPod, writer.uint32(90).fork(), _depth + 1).ldelim();
                    if (message.runProgram != null && $Object.hasOwnProperty.call(message, "runProgram"))
                        $root.estiba.isolation.v1.RunProgram.encode(message.runProgram, writer.uint32(98).fork(), _depth + 1).ldelim();
                    if (message.unpack != null && $Object.hasOwnProperty.call(message, "unpack"))
                        $root.estiba.isolation.v1.Unpack.encode(message.unpack, writer.uint32(106).fork(), _depth + 1).ldelim();
                    if (message.removeTrees != null && $Object.hasOwnProperty.call(message, "removeTrees"))
                        $root.estiba.isolation.v1.RemoveTrees.encode(message.removeTrees, writer.uint32(114).fork(), _depth + 1).ldelim();
                    if (message.destroyPod != null && $Object.hasOwnProperty.call(message, "destroyPod"))
                        $root.estiba.isolation.v1.DestroyPod.encode(message.destroyPod, writer.uint32(122).fork(), _depth + 1).ldelim();
                    if (message.compileSeccomp != null && $Object.hasOwnProperty.call(message, "compileSeccomp"))
                        $root.estiba.isolation.v1.CompileSeccomp.encode(message.compileSeccomp, writer.uint32(162).fork(), _depth + 1).ldelim();
                    if (message.labelTrees != null && $Object.hasOwnProperty.call(message, "labelTrees"))
                        $root.estiba.isolation.v1.LabelTrees.encode(message.labelTrees, writer.uint32(170).fork(), _depth + 1).ldelim();
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                LauncherRequest.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.LauncherRequest();
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
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.version = value;
                                else
                                    delete message.version;
                                continue;
                            }
                        case 10: {
                                if (wireType !== 2)
                                    break;
                                message.ping = $root.estiba.isolation.v1.Ping.decode(reader, reader.size(), $undefined, _depth + 1, message.ping);
                                message.job = "ping";
                                continue;
                            }
                        case 11: {
                                if (wireType !== 2)
                                    break;
                                message.startPod = $root.estiba.isolation.v1.StartPod.decode(reader, reader.size(), $undefined, _depth + 1, message.startPod);
                                message.job = "startPod";
                                continue;
                            }
                        case 12: {
                                if (wireType !== 2)
                                    break;
                                message.runProgram = $root.estiba.isolation.v1.RunProgram.decode(reader, reader.size(), $undefined, _depth + 1, message.runProgram);
                                message.job = "runProgram";
                                continue;
                            }
                        case 13: {
                                if (wireType !== 2)
                                    break;
                                message.unpack = $root.estiba.isolation.v1.Unpack.decode(reader, reader.size(), $undefined, _depth + 1, message.unpack);
                                message.job = "unpack";
                                continue;
                            }
                        case 14: {
                                if (wireType !== 2)
                                    break;
                                message.removeTrees = $root.estiba.isolation.v1.RemoveTrees.decode(reader, reader.size(), $undefined, _depth + 1, message.removeTrees);
                                message.job = "removeTrees";
                                continue;
                            }
                        case 15: {
                                if (wireType !== 2)
                                    break;
                                message.destroyPod = $root.estiba.isolation.v1.DestroyPod.decode(reader, reader.size(), $undefined, _depth + 1, message.destroyPod);
                                message.job = "destroyPod";
                                continue;
                            }
                        case 20: {
                                if (wireType !== 2)
                                    break;
                                message.compileSeccomp = $root.estiba.isolation.v1.CompileSeccomp.decode(reader, reader.size(), $undefined, _depth + 1, message.compileSeccomp);
                                message.job = "compileSeccomp";
                                continue;
                            }
                        case 21: {
                                if (wireType !== 2)
                                    break;
                                message.labelTrees = $root.estiba.isolation.v1.LabelTrees.decode(reader, reader.size(), $undefined, _depth + 1, message.labelTrees);
                                message.job = "labelTrees";
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

                return LauncherRequest;
            })();

            v1.LauncherReply = (function() {

                const LauncherReply = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                LauncherReply.prototype.version = 0;
                LauncherReply.prototype.done = false;
                LauncherReply.prototype.fault = null;
                LauncherReply.prototype.pong = null;
                LauncherReply.prototype.podStarted = null;
                LauncherReply.prototype.programEnded = null;
                LauncherReply.prototype.unpacked = null;
                LauncherReply.prototype.unpackProgress = null;
                LauncherReply.prototype.removed = null;
                LauncherReply.prototype.destroyed = null;
                LauncherReply.prototype.seccompFilter = null;
                LauncherReply.prototype.labelled = null;

                let $oneOfFields;

                $Object.defineProperty(LauncherReply.prototype, "result", {
                    get: $util.oneOfGetter($oneOfFields = ["fault", "pong", "podStarted", "programEnded", "unpacked", "unpackProgress", "removed", "destroyed", "seccompFilter", "labelled"]),
                    set: $util.oneOfSetter($oneOfFields)
                });

                LauncherReply.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.version != null && $Object.hasOwnProperty.call(message, "version") && message.version !== 0)
                        writer.uint32(8).uint32(message.version);
                    if (message.done != null && $Object.hasOwnProperty.call(message, "done") && message.done !== false)
                        writer.uint32(16).bool(message.done);
                    if (message.fault != null && $Object.hasOwnProperty.call(message, "fault"))
                        $root.estiba.isolation.v1.Fault.encode(message.fault, writer.uint32(74).fork(), _depth + 1).ldelim();
                    if (message.pong != null && $Object.hasOwnProperty.call(message, "pong"))
                        $root.estiba.isolation.v1.Pong.encode(message.pong, writer.uint32(82).fork(), _depth + 1).ldelim();
                    if (message.podStarted != null && $Object.hasOwnProperty.call(message, "podStarted"))
                        $root.estiba.isolation.v1.PodStarted.encode(message.podStarted, writer.uint32(90).fork(), _depth + 1).ldelim();
                    if (message.programEnded != null && $Object.hasOwnProperty.call(message, "programEnded"))
                        $root.estiba.isolation.v1.ProgramEnded.encode(message.programEnded, writer.uint32(98).fork(), _depth + 1).ldelim();
                    if (message.unpacked != null && $Object.hasOwnProperty.call(message, "unpacked"))
                        $root.estiba.isolation.v1.Unpacked.encode(message.unpacked, writer.uint32(106).fork(), _depth + 1).ldelim();
                    if (message.unpackProgress != null && $Object.hasOwnProperty.call(message, "unpackProgress"))
                        $root.estiba.isolation.v1.UnpackProgress.encode(message.unpackProgress, writer.uint32(114).fork(), _depth + 1).ldelim();
                    if (message.removed != null && $Object.hasOwnProperty.call(message, "removed"))
                        $root.estiba.isolation.v1.Done.encode(message.removed, writer.uint32(122).fork(), _depth + 1).ldelim();
                    if (message.destroyed != null && $Object.hasOwnProperty.call(message, "destroyed"))
                        $root.estiba.isolation.v1.Done.encode(message.destroyed, writer.uint32(130).fork(), _depth + 1).ldelim();
                    if (message.seccompFilter != null && $Object.hasOwnProperty.call(message, "seccompFilter"))
                        $root.estiba.isolation.v1.SeccompFilter.encode(message.seccompFilter, writer.uint32(162).fork(), _depth + 1).ldelim();
                    if (message.labelled != null && $Object.hasOwnProperty.call(message, "labelled"))
                        $root.estiba.isolation.v1.Done.encode(message.labelled, writer.uint32(170).fork(), _depth + 1).ldelim();
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                LauncherReply.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.LauncherReply();
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
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.version = value;
                                else
                                    delete message.version;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.done = value;
                                else
                                    delete message.done;
                                continue;
                            }
                        case 9: {
                                if (wireType !== 2)
                                    break;
                                message.fault = $root.estiba.isolation.v1.Fault.decode(reader, reader.size(), $undefined, _depth + 1, message.fault);
                                message.result = "fault";
                                continue;
                            }
                        case 10: {
                                if (wireType !== 2)
                                    break;
                                message.pong = $root.estiba.isolation.v1.Pong.decode(reader, reader.size(), $undefined, _depth + 1, message.pong);
                                message.result = "pong";
                                continue;
                            }
                        case 11: {
                                if (wireType !== 2)
                                    break;
                                message.podStarted = $root.estiba.isolation.v1.PodStarted.decode(reader, reader.size(), $undefined, _depth + 1, message.podStarted);
                                message.result = "podStarted";
                                continue;
                            }
                        case 12: {
                                if (wireType !== 2)
                                    break;
                                message.programEnded = $root.estiba.isolation.v1.ProgramEnded.decode(reader, reader.size(), $undefined, _depth + 1, message.programEnded);
                                message.result = "programEnded";
                                continue;
                            }
                        case 13: {
                                if (wireType !== 2)
                                    break;
                                message.unpacked = $root.estiba.isolation.v1.Unpacked.decode(reader, reader.size(), $undefined, _depth + 1, message.unpacked);
                                message.result = "unpacked";
                                continue;
                            }
                        case 14: {
                                if (wireType !== 2)
                                    break;
                                message.unpackProgress = $root.estiba.isolation.v1.UnpackProgress.decode(reader, reader.size(), $undefined, _depth + 1, message.unpackProgress);
                                message.result = "unpackProgress";
                                continue;
                            }
                        case 15: {
                                if (wireType !== 2)
                                    break;
                                message.removed = $root.estiba.isolation.v1.Done.decode(reader, reader.size(), $undefined, _depth + 1, message.removed);
                                message.result = "removed";
                                continue;
                            }
                        case 16: {
                                if (wireType !== 2)
                                    break;
                                message.destroyed = $root.estiba.isolation.v1.Done.decode(reader, reader.size(), $undefined, _depth + 1, message.destroyed);
                                message.result = "destroyed";
                                continue;
                            }
                        case 20: {
                                if (wireType !== 2)
                                    break;
                                message.seccompFilter = $root.estiba.isolation.v1.SeccompFilter.decode(reader, reader.size(), $undefined, _depth + 1, message.seccompFilter);
                                message.result = "seccompFilter";
                                continue;
                            }
                        case 21: {
                                if (wireType !== 2)
                                    break;
                                message.labelled = $root.estiba.isolation.v1.Done.decode(reader, reader.size(), $undefined, _depth + 1, message.labelled);
                                message.result = "labelled";
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

                return LauncherReply;
            })();

            v1.Done = (function() {

                const Done = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                Done.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                Done.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.estiba.isolation.v1.Done();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        reader.skipType(tag & 7, _depth, tag);
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

                return Done;
            })();

            v1.Ping = (function() {

                const Ping = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                Ping.prototype.layersDir = "";

                Ping.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.layersDir != null && $Object.hasOwnProperty.call(message, "layersDir") && message.layersDir !== "")
                        writer.uint32(10).string(message.layersDir);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                Ping.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.Ping();
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
                                    message.layersDir = value;
                                else
                                    delete message.layersDir;
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

                return Ping;
            })();

            v1.Pong = (function() {

                const Pong = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                Pong.prototype.build = "";
                Pong.prototype.launcherPid = 0;
                Pong.prototype.features = null;

                Pong.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.build != null && $Object.hasOwnProperty.call(message, "build") && message.build !== "")
                        writer.uint32(10).string(message.build);
                    if (message.launcherPid != null && $Object.hasOwnProperty.call(message, "launcherPid") && message.launcherPid !== 0)
                        writer.uint32(16).int32(message.launcherPid);
                    if (message.features != null && $Object.hasOwnProperty.call(message, "features"))
                        $root.estiba.isolation.v1.KernelFeatures.encode(message.features, writer.uint32(26).fork(), _depth + 1).ldelim();
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                Pong.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.Pong();
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
                                    message.build = value;
                                else
                                    delete message.build;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.launcherPid = value;
                                else
                                    delete message.launcherPid;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 2)
                                    break;
                                message.features = $root.estiba.isolation.v1.KernelFeatures.decode(reader, reader.size(), $undefined, _depth + 1, message.features);
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

                return Pong;
            })();

            v1.KernelFeatures = (function() {

                const KernelFeatures = function (properties) {
                    this.cgroupControllers = [];
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                KernelFeatures.prototype.cgroupVersion = "";
                KernelFeatures.prototype.cgroupControllers = $util.emptyArray;
                KernelFeatures.prototype.overlayLowerdirAppend = false;
                KernelFeatures.prototype.cloneDetachedMounts = false;
                KernelFeatures.prototype.cloneIntoCgroup = false;
                KernelFeatures.prototype.recursiveReadOnly = false;
                KernelFeatures.prototype.userNamespaces = false;
                KernelFeatures.prototype.userNamespacesProblem = "";

                KernelFeatures.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.cgroupVersion != null && $Object.hasOwnProperty.call(message, "cgroupVersion") && message.cgroupVersion !== "")
                        writer.uint32(10).string(message.cgroupVersion);
                    if (message.cgroupControllers != null && message.cgroupControllers.length)
                        for (let i = 0; i < message.cgroupControllers.length; ++i)
                            writer.uint32(18).string(message.cgroupControllers[i]);
                    if (message.overlayLowerdirAppend != null && $Object.hasOwnProperty.call(message, "overlayLowerdirAppend") && message.overlayLowerdirAppend !== false)
                        writer.uint32(24).bool(message.overlayLowerdirAppend);
                    if (message.cloneDetachedMounts != null && $Object.hasOwnProperty.call(message, "cloneDetachedMounts") && message.cloneDetachedMounts !== false)
                        writer.uint32(32).bool(message.cloneDetachedMounts);
                    if (message.cloneIntoCgroup != null && $Object.hasOwnProperty.call(message, "cloneIntoCgroup") && message.cloneIntoCgroup !== false)
                        writer.uint32(40).bool(message.cloneIntoCgroup);
                    if (message.recursiveReadOnly != null && $Object.hasOwnProperty.call(message, "recursiveReadOnly") && message.recursiveReadOnly !== false)
                        writer.uint32(48).bool(message.recursiveReadOnly);
                    if (message.userNamespaces != null && $Object.hasOwnProperty.call(message, "userNamespaces") && message.userNamespaces !== false)
                        writer.uint32(56).bool(message.userNamespaces);
                    if (message.userNamespacesProblem != null && $Object.hasOwnProperty.call(message, "userNamespacesProblem") && message.userNamespacesProblem !== "")
                        writer.uint32(66).string(message.userNamespacesProblem);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                KernelFeatures.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.KernelFeatures();
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
                                    message.cgroupVersion = value;
                                else
                                    delete message.cgroupVersion;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                if (!(message.cgroupControllers && message.cgroupControllers.length))
                                    message.cgroupControllers = [];
                                message.cgroupControllers.push(reader.stringVerify());
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.overlayLowerdirAppend = value;
                                else
                                    delete message.overlayLowerdirAppend;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.cloneDetachedMounts = value;
                                else
                                    delete message.cloneDetachedMounts;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.cloneIntoCgroup = value;
                                else
                                    delete message.cloneIntoCgroup;
                                continue;
                            }
                        case 6: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.recursiveReadOnly = value;
                                else
                                    delete message.recursiveReadOnly;
                                continue;
                            }
                        case 7: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.userNamespaces = value;
                                else
                                    delete message.userNamespaces;
                                continue;
                            }
                        case 8: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.userNamespacesProblem = value;
                                else
                                    delete message.userNamespacesProblem;
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

                return KernelFeatures;
            })();

            v1.StartPod = (function() {

                const StartPod = function (properties) {
                    this.sysctls = {};
                    this.uidMappings = [];
                    this.gidMappings = [];
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                StartPod.prototype.podId = "";
                StartPod.prototype.podDir = "";
                StartPod.prototype.netnsPath = "";
                StartPod.prototype.network = 0;
                StartPod.prototype.ipc = 0;
                StartPod.prototype.pid = 0;
                StartPod.prototype.hostname = "";
                StartPod.prototype.sysctls = $util.emptyObject;
                StartPod.prototype.shmSizeBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                StartPod.prototype.cgroupParent = "";
                StartPod.prototype.legacyMounts = false;
                StartPod.prototype.uidMappings = $util.emptyArray;
                StartPod.prototype.gidMappings = $util.emptyArray;
                StartPod.prototype.mountLabel = "";
                StartPod.prototype.processLabel = "";
                StartPod.prototype.runtime = null;

                StartPod.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.podId != null && $Object.hasOwnProperty.call(message, "podId") && message.podId !== "")
                        writer.uint32(10).string(message.podId);
                    if (message.podDir != null && $Object.hasOwnProperty.call(message, "podDir") && message.podDir !== "")
                        writer.uint32(18).string(message.podDir);
                    if (message.netnsPath != null && $Object.hasOwnProperty.call(message, "netnsPath") && message.netnsPath !== "")
                        writer.uint32(26).string(message.netnsPath);
                    if (message.network != null && $Object.hasOwnProperty.call(message, "network") && message.network !== 0)
                        writer.uint32(32).int32(message.network);
                    if (message.ipc != null && $Object.hasOwnProperty.call(message, "ipc") && message.ipc !== 0)
                        writer.uint32(40).int32(message.ipc);
                    if (message.pid != null && $Object.hasOwnProperty.call(message, "pid") && message.pid !== 0)
                        writer.uint32(48).int32(message.pid);
                    if (message.hostname != null && $Object.hasOwnProperty.call(message, "hostname") && message.hostname !== "")
                        writer.uint32(58).string(message.hostname);
                    if (message.sysctls != null && $Object.hasOwnProperty.call(message, "sysctls"))
                        for (let keys = $Object.keys(message.sysctls), i = 0; i < keys.length; ++i)
                            writer.uint32(66).fork().uint32(10).string(keys[i]).uint32(18).string(message.sysctls[keys[i]]).ldelim();
                    if (message.shmSizeBytes != null && $Object.hasOwnProperty.call(message, "shmSizeBytes") && (typeof message.shmSizeBytes === "object" ? message.shmSizeBytes.low || message.shmSizeBytes.high : message.shmSizeBytes !== 0))
                        writer.uint32(72).uint64(message.shmSizeBytes);
                    if (message.cgroupParent != null && $Object.hasOwnProperty.call(message, "cgroupParent") && message.cgroupParent !== "")
                        writer.uint32(82).string(message.cgroupParent);
                    if (message.legacyMounts != null && $Object.hasOwnProperty.call(message, "legacyMounts") && message.legacyMounts !== false)
                        writer.uint32(88).bool(message.legacyMounts);
                    if (message.uidMappings != null && message.uidMappings.length)
                        for (let i = 0; i < message.uidMappings.length; ++i)
                            $root.estiba.isolation.v1.IdMapping.encode(message.uidMappings[i], writer.uint32(98).fork(), _depth + 1).ldelim();
                    if (message.gidMappings != null && message.gidMappings.length)
                        for (let i = 0; i < message.gidMappings.length; ++i)
                            $root.estiba.isolation.v1.IdMapping.encode(message.gidMappings[i], writer.uint32(106).fork(), _depth + 1).ldelim();
                    if (message.mountLabel != null && $Object.hasOwnProperty.call(message, "mountLabel") && message.mountLabel !== "")
                        writer.uint32(114).string(message.mountLabel);
                    if (message.processLabel != null && $Object.hasOwnProperty.call(message, "processLabel") && message.processLabel !== "")
                        writer.uint32(122).string(message.processLabel);
                    if (message.runtime != null && $Object.hasOwnProperty.call(message, "runtime"))
                        $root.estiba.isolation.v1.OciRuntime.encode(message.runtime, writer.uint32(162).fork(), _depth + 1).ldelim();
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                StartPod.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, key, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.estiba.isolation.v1.StartPod();
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
                                    message.podId = value;
                                else
                                    delete message.podId;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.podDir = value;
                                else
                                    delete message.podDir;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.netnsPath = value;
                                else
                                    delete message.netnsPath;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.network = value;
                                else
                                    delete message.network;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.ipc = value;
                                else
                                    delete message.ipc;
                                continue;
                            }
                        case 6: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.pid = value;
                                else
                                    delete message.pid;
                                continue;
                            }
                        case 7: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.hostname = value;
                                else
                                    delete message.hostname;
                                continue;
                            }
                        case 8: {
                                if (wireType !== 2)
                                    break;
                                if (message.sysctls === $util.emptyObject)
                                    message.sysctls = {};
                                let end2 = reader.size() + reader.pos;
                                if (end2 > reader.len)
                                    throw $RangeError("index out of range");
                                reader.len = end2;
                                key = "";
                                value = "";
                                while (reader.pos < end2) {
                                    let tag2 = reader.tag();
                                    wireType = tag2 & 7;
                                    switch (tag2 >>>= 3) {
                                    case 1:
                                        if (wireType !== 2)
                                            break;
                                        key = reader.stringVerify();
                                        continue;
                                    case 2:
                                        if (wireType !== 2)
                                            break;
                                        value = reader.stringVerify();
                                        continue;
                                    }
                                    reader.skipType(wireType, _depth, tag2);
                                }
                                if (reader.pos !== end2)
                                    throw $RangeError("index out of range");
                                reader.len = end;
                                if (key === "__proto__")
                                    $util.makeProp(message.sysctls, key);
                                message.sysctls[key] = value;
                                continue;
                            }
                        case 9: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.shmSizeBytes = value;
                                else
                                    delete message.shmSizeBytes;
                                continue;
                            }
                        case 10: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.cgroupParent = value;
                                else
                                    delete message.cgroupParent;
                                continue;
                            }
                        case 11: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.legacyMounts = value;
                                else
                                    delete message.legacyMounts;
                                continue;
                            }
                        case 12: {
                                if (wireType !== 2)
                                    break;
                                if (!(message.uidMappings && message.uidMappings.length))
                                    message.uidMappings = [];
                                message.uidMappings.push($root.estiba.isolation.v1.IdMapping.decode(reader, reader.size(), $undefined, _depth + 1));
                                continue;
                            }
                        case 13: {
                                if (wireType !== 2)
                                    break;
                                if (!(message.gidMappings && message.gidMappings.length))
                                    message.gidMappings = [];
                                message.gidMappings.push($root.estiba.isolation.v1.IdMapping.decode(reader, reader.size(), $undefined, _depth + 1));
                                continue;
                            }
                        case 14: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.mountLabel = value;
                                else
                                    delete message.mountLabel;
                                continue;
                            }
                        case 15: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.processLabel = value;
                                else
                                    delete message.processLabel;
                                continue;
                            }
                        case 20: {
                                if (wireType !== 2)
                                    break;
                                message.runtime = $root.estiba.isolation.v1.OciRuntime.decode(reader, reader.size(), $undefined, _depth + 1, message.runtime);
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

                return StartPod;
            })();

            v1.IdMapping = (function() {

                const IdMapping = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                IdMapping.prototype.containerId = 0;
                IdMapping.prototype.hostId = 0;
                IdMapping.prototype.length = 0;

                IdMapping.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.containerId != null && $Object.hasOwnProperty.call(message, "containerId") && message.containerId !== 0)
                        writer.uint32(8).uint32(message.containerId);
                    if (message.hostId != null && $Object.hasOwnProperty.call(message, "hostId") && message.hostId !== 0)
                        writer.uint32(16).uint32(message.hostId);
                    if (message.length != null && $Object.hasOwnProperty.call(message, "length") && message.length !== 0)
                        writer.uint32(24).uint32(message.length);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                IdMapping.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.IdMapping();
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
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.containerId = value;
                                else
                                    delete message.containerId;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.hostId = value;
                                else
                                    delete message.hostId;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.length = value;
                                else
                                    delete message.length;
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

                return IdMapping;
            })();

            v1.OciRuntime = (function() {

                const OciRuntime = function (properties) {
                    this["arguments"] = [];
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                OciRuntime.prototype.path = "";
                OciRuntime.prototype["arguments"] = $util.emptyArray;

                OciRuntime.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.path != null && $Object.hasOwnProperty.call(message, "path") && message.path !== "")
                        writer.uint32(10).string(message.path);
                    if (message["arguments"] != null && message["arguments"].length)
                        for (let i = 0; i < message["arguments"].length; ++i)
                            writer.uint32(18).string(message["arguments"][i]);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                OciRuntime.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.OciRuntime();
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
                                if (wireType !== 2)
                                    break;
                                if (!(message["arguments"] && message["arguments"].length))
                                    message["arguments"] = [];
                                message["arguments"].push(reader.stringVerify());
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

                return OciRuntime;
            })();

            v1.NamespaceMode = (function() {
                const valuesById = $Object.create(null), values = $Object.create(valuesById);
                values[valuesById[0] = "NAMESPACE_MODE_POD"] = 0;
                values[valuesById[1] = "NAMESPACE_MODE_CONTAINER"] = 1;
                values[valuesById[2] = "NAMESPACE_MODE_NODE"] = 2;
                values[valuesById[3] = "NAMESPACE_MODE_TARGET"] = 3;
                return values;
            })();

            v1.PodStarted = (function() {

                const PodStarted = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                PodStarted.prototype.monitorPid = 0;
                PodStarted.prototype.monitorStartTimeTicks = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                PodStarted.prototype.ipcPath = "";
                PodStarted.prototype.utsPath = "";
                PodStarted.prototype.pidPath = "";
                PodStarted.prototype.shmPath = "";
                PodStarted.prototype.netnsInode = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                PodStarted.prototype.initPid = 0;
                PodStarted.prototype.userPath = "";

                PodStarted.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.monitorPid != null && $Object.hasOwnProperty.call(message, "monitorPid") && message.monitorPid !== 0)
                        writer.uint32(8).int32(message.monitorPid);
                    if (message.monitorStartTimeTicks != null && $Object.hasOwnProperty.call(message, "monitorStartTimeTicks") && (typeof message.monitorStartTimeTicks === "object" ? message.monitorStartTimeTicks.low || message.monitorStartTimeTicks.high : message.monitorStartTimeTicks !== 0))
                        writer.uint32(16).uint64(message.monitorStartTimeTicks);
                    if (message.ipcPath != null && $Object.hasOwnProperty.call(message, "ipcPath") && message.ipcPath !== "")
                        writer.uint32(26).string(message.ipcPath);
                    if (message.utsPath != null && $Object.hasOwnProperty.call(message, "utsPath") && message.utsPath !== "")
                        writer.uint32(34).string(message.utsPath);
                    if (message.pidPath != null && $Object.hasOwnProperty.call(message, "pidPath") && message.pidPath !== "")
                        writer.uint32(42).string(message.pidPath);
                    if (message.shmPath != null && $Object.hasOwnProperty.call(message, "shmPath") && message.shmPath !== "")
                        writer.uint32(50).string(message.shmPath);
                    if (message.netnsInode != null && $Object.hasOwnProperty.call(message, "netnsInode") && (typeof message.netnsInode === "object" ? message.netnsInode.low || message.netnsInode.high : message.netnsInode !== 0))
                        writer.uint32(56).uint64(message.netnsInode);
                    if (message.initPid != null && $Object.hasOwnProperty.call(message, "initPid") && message.initPid !== 0)
                        writer.uint32(64).int32(message.initPid);
                    if (message.userPath != null && $Object.hasOwnProperty.call(message, "userPath") && message.userPath !== "")
                        writer.uint32(74).string(message.userPath);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                PodStarted.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.PodStarted();
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
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.monitorPid = value;
                                else
                                    delete message.monitorPid;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.monitorStartTimeTicks = value;
                                else
                                    delete message.monitorStartTimeTicks;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.ipcPath = value;
                                else
                                    delete message.ipcPath;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.utsPath = value;
                                else
                                    delete message.utsPath;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.pidPath = value;
                                else
                                    delete message.pidPath;
                                continue;
                            }
                        case 6: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.shmPath = value;
                                else
                                    delete message.shmPath;
                                continue;
                            }
                        case 7: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.netnsInode = value;
                                else
                                    delete message.netnsInode;
                                continue;
                            }
                        case 8: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.initPid = value;
                                else
                                    delete message.initPid;
                                continue;
                            }
                        case 9: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.userPath = value;
                                else
                                    delete message.userPath;
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

                return PodStarted;
            })();

            v1.RunProgram = (function() {

                const RunProgram = function (properties) {
                    this.argv = [];
                    this.env = [];
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                RunProgram.prototype.argv = $util.emptyArray;
                RunProgram.prototype.env = $util.emptyArray;
                RunProgram.prototype.stdin = $util.newBuffer([]);
                RunProgram.prototype.cwd = "";
                RunProgram.prototype.deadlineMs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                RunProgram.prototype.outputLimitBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                RunProgram.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.argv != null && message.argv.length)
                        for (let i = 0; i < message.argv.length; ++i)
                            writer.uint32(10).string(message.argv[i]);
                    if (message.env != null && message.env.length)
                        for (let i = 0; i < message.env.length; ++i)
                            writer.uint32(18).string(message.env[i]);
                    if (message.stdin != null && $Object.hasOwnProperty.call(message, "stdin") && message.stdin.length)
                        writer.uint32(26).bytes(message.stdin);
                    if (message.cwd != null && $Object.hasOwnProperty.call(message, "cwd") && message.cwd !== "")
                        writer.uint32(34).string(message.cwd);
                    if (message.deadlineMs != null && $Object.hasOwnProperty.call(message, "deadlineMs") && (typeof message.deadlineMs === "object" ? message.deadlineMs.low || message.deadlineMs.high : message.deadlineMs !== 0))
                        writer.uint32(40).uint64(message.deadlineMs);
                    if (message.outputLimitBytes != null && $Object.hasOwnProperty.call(message, "outputLimitBytes") && (typeof message.outputLimitBytes === "object" ? message.outputLimitBytes.low || message.outputLimitBytes.high : message.outputLimitBytes !== 0))
                        writer.uint32(48).uint64(message.outputLimitBytes);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                RunProgram.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.RunProgram();
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
                                if (!(message.argv && message.argv.length))
                                    message.argv = [];
                                message.argv.push(reader.stringVerify());
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                if (!(message.env && message.env.length))
                                    message.env = [];
                                message.env.push(reader.stringVerify());
                                continue;
                            }
                        case 3: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.bytes()).length)
                                    message.stdin = value;
                                else
                                    delete message.stdin;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.cwd = value;
                                else
                                    delete message.cwd;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.deadlineMs = value;
                                else
                                    delete message.deadlineMs;
                                continue;
                            }
                        case 6: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.outputLimitBytes = value;
                                else
                                    delete message.outputLimitBytes;
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

                return RunProgram;
            })();

            v1.ProgramEnded = (function() {

                const ProgramEnded = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                ProgramEnded.prototype.exitCode = 0;
                ProgramEnded.prototype.signal = 0;
                ProgramEnded.prototype.stdout = $util.newBuffer([]);
                ProgramEnded.prototype.stderr = $util.newBuffer([]);
                ProgramEnded.prototype.timedOut = false;
                ProgramEnded.prototype.outputCut = false;
                ProgramEnded.prototype.elapsedUs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                ProgramEnded.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.exitCode != null && $Object.hasOwnProperty.call(message, "exitCode") && message.exitCode !== 0)
                        writer.uint32(8).int32(message.exitCode);
                    if (message.signal != null && $Object.hasOwnProperty.call(message, "signal") && message.signal !== 0)
                        writer.uint32(16).int32(message.signal);
                    if (message.stdout != null && $Object.hasOwnProperty.call(message, "stdout") && message.stdout.length)
                        writer.uint32(26).bytes(message.stdout);
                    if (message.stderr != null && $Object.hasOwnProperty.call(message, "stderr") && message.stderr.length)
                        writer.uint32(34).bytes(message.stderr);
                    if (message.timedOut != null && $Object.hasOwnProperty.call(message, "timedOut") && message.timedOut !== false)
                        writer.uint32(40).bool(message.timedOut);
                    if (message.outputCut != null && $Object.hasOwnProperty.call(message, "outputCut") && message.outputCut !== false)
                        writer.uint32(48).bool(message.outputCut);
                    if (message.elapsedUs != null && $Object.hasOwnProperty.call(message, "elapsedUs") && (typeof message.elapsedUs === "object" ? message.elapsedUs.low || message.elapsedUs.high : message.elapsedUs !== 0))
                        writer.uint32(56).uint64(message.elapsedUs);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                ProgramEnded.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.ProgramEnded();
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
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.exitCode = value;
                                else
                                    delete message.exitCode;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.signal = value;
                                else
                                    delete message.signal;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.bytes()).length)
                                    message.stdout = value;
                                else
                                    delete message.stdout;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.bytes()).length)
                                    message.stderr = value;
                                else
                                    delete message.stderr;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.timedOut = value;
                                else
                                    delete message.timedOut;
                                continue;
                            }
                        case 6: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.outputCut = value;
                                else
                                    delete message.outputCut;
                                continue;
                            }
                        case 7: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.elapsedUs = value;
                                else
                                    delete message.elapsedUs;
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

                return ProgramEnded;
            })();

            v1.Compression = (function() {
                const valuesById = $Object.create(null), values = $Object.create(valuesById);
                values[valuesById[0] = "COMPRESSION_AUTO"] = 0;
                values[valuesById[1] = "COMPRESSION_NONE"] = 1;
                values[valuesById[2] = "COMPRESSION_GZIP"] = 2;
                values[valuesById[3] = "COMPRESSION_ZSTD"] = 3;
                return values;
            })();

            v1.Unpack = (function() {

                const Unpack = function (properties) {
                    this.parentDirs = [];
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                Unpack.prototype.sourcePath = "";
                Unpack.prototype.offset = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                Unpack.prototype.length = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                Unpack.prototype.compression = 0;
                Unpack.prototype.expectedDigest = "";
                Unpack.prototype.expectedDiffId = "";
                Unpack.prototype.targetDir = "";
                Unpack.prototype.parentDirs = $util.emptyArray;
                Unpack.prototype.maxBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                Unpack.prototype.maxEntries = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                Unpack.prototype.deadlineMs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                Unpack.prototype.sync = false;
                Unpack.prototype.growing = false;
                Unpack.prototype.stopUnlessSelfContained = false;
                Unpack.prototype.fileLabel = "";

                Unpack.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.sourcePath != null && $Object.hasOwnProperty.call(message, "sourcePath") && message.sourcePath !== "")
                        writer.uint32(10).string(message.sourcePath);
                    if (message.offset != null && $Object.hasOwnProperty.call(message, "offset") && (typeof message.offset === "object" ? message.offset.low || message.offset.high : message.offset !== 0))
                        writer.uint32(16).uint64(message.offset);
                    if (message.length != null && $Object.hasOwnProperty.call(message, "length") && (typeof message.length === "object" ? message.length.low || message.length.high : message.length !== 0))
                        writer.uint32(24).uint64(message.length);
                    if (message.compression != null && $Object.hasOwnProperty.call(message, "compression") && message.compression !== 0)
                        writer.uint32(32).int32(message.compression);
                    if (message.expectedDigest != null && $Object.hasOwnProperty.call(message, "expectedDigest") && message.expectedDigest !== "")
                        writer.uint32(42).string(message.expectedDigest);
                    if (message.expectedDiffId != null && $Object.hasOwnProperty.call(message, "expectedDiffId") && message.expectedDiffId !== "")
                        writer.uint32(50).string(message.expectedDiffId);
                    if (message.targetDir != null && $Object.hasOwnProperty.call(message, "targetDir") && message.targetDir !== "")
                        writer.uint32(58).string(message.targetDir);
                    if (message.parentDirs != null && message.parentDirs.length)
                        for (let i = 0; i < message.parentDirs.length; ++i)
                            writer.uint32(66).string(message.parentDirs[i]);
                    if (message.maxBytes != null && $Object.hasOwnProperty.call(message, "maxBytes") && (typeof message.maxBytes === "object" ? message.maxBytes.low || message.maxBytes.high : message.maxBytes !== 0))
                        writer.uint32(72).uint64(message.maxBytes);
                    if (message.maxEntries != null && $Object.hasOwnProperty.call(message, "maxEntries") && (typeof message.maxEntries === "object" ? message.maxEntries.low || message.maxEntries.high : message.maxEntries !== 0))
                        writer.uint32(80).uint64(message.maxEntries);
                    if (message.deadlineMs != null && $Object.hasOwnProperty.call(message, "deadlineMs") && (typeof message.deadlineMs === "object" ? message.deadlineMs.low || message.deadlineMs.high : message.deadlineMs !== 0))
                        writer.uint32(88).uint64(message.deadlineMs);
                    if (message.sync != null && $Object.hasOwnProperty.call(message, "sync") && message.sync !== false)
                        writer.uint32(96).bool(message.sync);
                    if (message.growing != null && $Object.hasOwnProperty.call(message, "growing") && message.growing !== false)
                        writer.uint32(104).bool(message.growing);
                    if (message.stopUnlessSelfContained != null && $Object.hasOwnProperty.call(message, "stopUnlessSelfContained") && message.stopUnlessSelfContained !== false)
                        writer.uint32(112).bool(message.stopUnlessSelfContained);
                    if (message.fileLabel != null && $Object.hasOwnProperty.call(message, "fileLabel") && message.fileLabel !== "")
                        writer.uint32(122).string(message.fileLabel);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                Unpack.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.Unpack();
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
                                    message.sourcePath = value;
                                else
                                    delete message.sourcePath;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.offset = value;
                                else
                                    delete message.offset;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.length = value;
                                else
                                    delete message.length;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.compression = value;
                                else
                                    delete message.compression;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.expectedDigest = value;
                                else
                                    delete message.expectedDigest;
                                continue;
                            }
                        case 6: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.expectedDiffId = value;
                                else
                                    delete message.expectedDiffId;
                                continue;
                            }
                        case 7: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.targetDir = value;
                                else
                                    delete message.targetDir;
                                continue;
                            }
                        case 8: {
                                if (wireType !== 2)
                                    break;
                                if (!(message.parentDirs && message.parentDirs.length))
                                    message.parentDirs = [];
                                message.parentDirs.push(reader.stringVerify());
                                continue;
                            }
                        case 9: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.maxBytes = value;
                                else
                                    delete message.maxBytes;
                                continue;
                            }
                        case 10: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.maxEntries = value;
                                else
                                    delete message.maxEntries;
                                continue;
                            }
                        case 11: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.deadlineMs = value;
                                else
                                    delete message.deadlineMs;
                                continue;
                            }
                        case 12: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.sync = value;
                                else
                                    delete message.sync;
                                continue;
                            }
                        case 13: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.growing = value;
                                else
                                    delete message.growing;
                                continue;
                            }
                        case 14: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.stopUnlessSelfContained = value;
                                else
                                    delete message.stopUnlessSelfContained;
                                continue;
                            }
                        case 15: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.fileLabel = value;
                                else
                                    delete message.fileLabel;
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

                return Unpack;
            })();

            v1.UnpackGrown = (function() {

                const UnpackGrown = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                UnpackGrown.prototype.bytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                UnpackGrown.prototype.last = false;

                UnpackGrown.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.bytes != null && $Object.hasOwnProperty.call(message, "bytes") && (typeof message.bytes === "object" ? message.bytes.low || message.bytes.high : message.bytes !== 0))
                        writer.uint32(8).uint64(message.bytes);
                    if (message.last != null && $Object.hasOwnProperty.call(message, "last") && message.last !== false)
                        writer.uint32(16).bool(message.last);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                UnpackGrown.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.UnpackGrown();
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
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.bytes = value;
                                else
                                    delete message.bytes;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.last = value;
                                else
                                    delete message.last;
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

                return UnpackGrown;
            })();

            v1.UnpackProgress = (function() {

                const UnpackProgress = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                UnpackProgress.prototype.blobBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                UnpackProgress.prototype.entries = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                UnpackProgress.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.blobBytes != null && $Object.hasOwnProperty.call(message, "blobBytes") && (typeof message.blobBytes === "object" ? message.blobBytes.low || message.blobBytes.high : message.blobBytes !== 0))
                        writer.uint32(8).uint64(message.blobBytes);
                    if (message.entries != null && $Object.hasOwnProperty.call(message, "entries") && (typeof message.entries === "object" ? message.entries.low || message.entries.high : message.entries !== 0))
                        writer.uint32(16).uint64(message.entries);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                UnpackProgress.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.UnpackProgress();
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
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.blobBytes = value;
                                else
                                    delete message.blobBytes;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.entries = value;
                                else
                                    delete message.entries;
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

                return UnpackProgress;
            })();

            v1.Unpacked = (function() {

                const Unpacked = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                Unpacked.prototype.digest = "";
                Unpacked.prototype.diffId = "";
                Unpacked.prototype.blobBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                Unpacked.prototype.unpackedBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                Unpacked.prototype.inodes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                Unpacked.prototype.selfContained = false;
                Unpacked.prototype.notSelfContainedBecause = "";
                Unpacked.prototype.incomplete = false;
                Unpacked.prototype.stopped = false;

                Unpacked.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.digest != null && $Object.hasOwnProperty.call(message, "digest") && message.digest !== "")
                        writer.uint32(10).string(message.digest);
                    if (message.diffId != null && $Object.hasOwnProperty.call(message, "diffId") && message.diffId !== "")
                        writer.uint32(18).string(message.diffId);
                    if (message.blobBytes != null && $Object.hasOwnProperty.call(message, "blobBytes") && (typeof message.blobBytes === "object" ? message.blobBytes.low || message.blobBytes.high : message.blobBytes !== 0))
                        writer.uint32(24).uint64(message.blobBytes);
                    if (message.unpackedBytes != null && $Object.hasOwnProperty.call(message, "unpackedBytes") && (typeof message.unpackedBytes === "object" ? message.unpackedBytes.low || message.unpackedBytes.high : message.unpackedBytes !== 0))
                        writer.uint32(32).uint64(message.unpackedBytes);
                    if (message.inodes != null && $Object.hasOwnProperty.call(message, "inodes") && (typeof message.inodes === "object" ? message.inodes.low || message.inodes.high : message.inodes !== 0))
                        writer.uint32(40).uint64(message.inodes);
                    if (message.selfContained != null && $Object.hasOwnProperty.call(message, "selfContained") && message.selfContained !== false)
                        writer.uint32(48).bool(message.selfContained);
                    if (message.notSelfContainedBecause != null && $Object.hasOwnProperty.call(message, "notSelfContainedBecause") && message.notSelfContainedBecause !== "")
                        writer.uint32(58).string(message.notSelfContainedBecause);
                    if (message.incomplete != null && $Object.hasOwnProperty.call(message, "incomplete") && message.incomplete !== false)
                        writer.uint32(64).bool(message.incomplete);
                    if (message.stopped != null && $Object.hasOwnProperty.call(message, "stopped") && message.stopped !== false)
                        writer.uint32(72).bool(message.stopped);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                Unpacked.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.Unpacked();
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
                                    message.diffId = value;
                                else
                                    delete message.diffId;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.blobBytes = value;
                                else
                                    delete message.blobBytes;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.unpackedBytes = value;
                                else
                                    delete message.unpackedBytes;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.inodes = value;
                                else
                                    delete message.inodes;
                                continue;
                            }
                        case 6: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.selfContained = value;
                                else
                                    delete message.selfContained;
                                continue;
                            }
                        case 7: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.notSelfContainedBecause = value;
                                else
                                    delete message.notSelfContainedBecause;
                                continue;
                            }
                        case 8: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.incomplete = value;
                                else
                                    delete message.incomplete;
                                continue;
                            }
                        case 9: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.stopped = value;
                                else
                                    delete message.stopped;
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

                return Unpacked;
            })();

            v1.RemoveTrees = (function() {

                const RemoveTrees = function (properties) {
                    this.paths = [];
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                RemoveTrees.prototype.paths = $util.emptyArray;

                RemoveTrees.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.paths != null && message.paths.length)
                        for (let i = 0; i < message.paths.length; ++i)
                            writer.uint32(10).string(message.paths[i]);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                RemoveTrees.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.estiba.isolation.v1.RemoveTrees();
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
                                if (!(message.paths && message.paths.length))
                                    message.paths = [];
                                message.paths.push(reader.stringVerify());
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

                return RemoveTrees;
            })();

            v1.LabelTrees = (function() {

                const LabelTrees = function (properties) {
                    this.trees = [];
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                LabelTrees.prototype.trees = $util.emptyArray;

                LabelTrees.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.trees != null && message.trees.length)
                        for (let i = 0; i < message.trees.length; ++i)
                            $root.estiba.isolation.v1.LabelTree.encode(message.trees[i], writer.uint32(10).fork(), _depth + 1).ldelim();
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                LabelTrees.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.estiba.isolation.v1.LabelTrees();
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
                                if (!(message.trees && message.trees.length))
                                    message.trees = [];
                                message.trees.push($root.estiba.isolation.v1.LabelTree.decode(reader, reader.size(), $undefined, _depth + 1));
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

                return LabelTrees;
            })();

            v1.LabelTree = (function() {

                const LabelTree = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                LabelTree.prototype.path = "";
                LabelTree.prototype.label = "";
                LabelTree.prototype.shallow = false;

                LabelTree.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.path != null && $Object.hasOwnProperty.call(message, "path") && message.path !== "")
                        writer.uint32(10).string(message.path);
                    if (message.label != null && $Object.hasOwnProperty.call(message, "label") && message.label !== "")
                        writer.uint32(18).string(message.label);
                    if (message.shallow != null && $Object.hasOwnProperty.call(message, "shallow") && message.shallow !== false)
                        writer.uint32(24).bool(message.shallow);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                LabelTree.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.LabelTree();
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
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.label = value;
                                else
                                    delete message.label;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.shallow = value;
                                else
                                    delete message.shallow;
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

                return LabelTree;
            })();

            v1.DestroyPod = (function() {

                const DestroyPod = function (properties) {
                    this.cgroups = [];
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                DestroyPod.prototype.podDir = "";
                DestroyPod.prototype.netnsPath = "";
                DestroyPod.prototype.removeDir = false;
                DestroyPod.prototype.cgroups = $util.emptyArray;

                DestroyPod.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.podDir != null && $Object.hasOwnProperty.call(message, "podDir") && message.podDir !== "")
                        writer.uint32(10).string(message.podDir);
                    if (message.netnsPath != null && $Object.hasOwnProperty.call(message, "netnsPath") && message.netnsPath !== "")
                        writer.uint32(18).string(message.netnsPath);
                    if (message.removeDir != null && $Object.hasOwnProperty.call(message, "removeDir") && message.removeDir !== false)
                        writer.uint32(24).bool(message.removeDir);
                    if (message.cgroups != null && message.cgroups.length)
                        for (let i = 0; i < message.cgroups.length; ++i)
                            writer.uint32(34).string(message.cgroups[i]);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                DestroyPod.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.DestroyPod();
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
                                    message.podDir = value;
                                else
                                    delete message.podDir;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.netnsPath = value;
                                else
                                    delete message.netnsPath;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.removeDir = value;
                                else
                                    delete message.removeDir;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 2)
                                    break;
                                if (!(message.cgroups && message.cgroups.length))
                                    message.cgroups = [];
                                message.cgroups.push(reader.stringVerify());
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

                return DestroyPod;
            })();

            v1.CompileSeccomp = (function() {

                const CompileSeccomp = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                CompileSeccomp.prototype.profileJson = $util.newBuffer([]);

                CompileSeccomp.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.profileJson != null && $Object.hasOwnProperty.call(message, "profileJson") && message.profileJson.length)
                        writer.uint32(10).bytes(message.profileJson);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                CompileSeccomp.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.CompileSeccomp();
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
                                if ((value = reader.bytes()).length)
                                    message.profileJson = value;
                                else
                                    delete message.profileJson;
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

                return CompileSeccomp;
            })();

            v1.MonitorRequest = (function() {

                const MonitorRequest = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                MonitorRequest.prototype.version = 0;
                MonitorRequest.prototype.id = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                MonitorRequest.prototype.subscribe = null;
                MonitorRequest.prototype.getPod = null;
                MonitorRequest.prototype.createContainer = null;
                MonitorRequest.prototype.startContainer = null;
                MonitorRequest.prototype.stopContainer = null;
                MonitorRequest.prototype.removeContainer = null;
                MonitorRequest.prototype.execSync = null;
                MonitorRequest.prototype.reopenLog = null;
                MonitorRequest.prototype.stopPod = null;
                MonitorRequest.prototype.releasePod = null;
                MonitorRequest.prototype.cancel = null;
                MonitorRequest.prototype.updateContainer = null;

                let $oneOfFields;

                $Object.defineProperty(MonitorRequest.prototype, "call", {
                    get: $util.oneOfGetter($oneOfFields = ["subscribe", "getPod", "createContainer", "startContainer", "stopContainer", "removeContainer", "execSync", "reopenLog", "stopPod", "releasePod", "cancel", "updateContainer"]),
                    set: $util.oneOfSetter($oneOfFields)
                });

                MonitorRequest.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.version != null && $Object.hasOwnProperty.call(message, "version") && message.version !== 0)
                        writer.uint32(8).uint32(message.version);
                    if (message.id != null && $Object.hasOwnProperty.call(message, "id") && (typeof message.id === "object" ? message.id.low || message.id.high : message.id !== 0))
                        writer.uint32(16).uint64(message.id);
                    if (message.subscribe != null && $Object.hasOwnProperty.call(message, "subscribe"))
                        $root.estiba.isolation.v1.Subscribe.encode(message.subscribe, writer.uint32(82).fork(), _depth + 1).ldelim();
                    if (message.getPod != null && $Object.hasOwnProperty.call(message, "getPod"))
                        $root.estiba.isolation.v1.GetPod.encode(message.getPod, writer.uint32(90).fork(), _depth + 1).ldelim();
                    if (message.createContainer != null && $Object.hasOwnProperty.call(message, "createContainer"))
                        $root.estiba.isolation.v1.CreateContainer.encode(message.createContainer, writer.uint32(98).fork(), _depth + 1).ldelim();
                    if (message.startContainer != null && $Object.hasOwnProperty.call(message, "startContainer"))
                        $root.estiba.isolation.v1.StartContainer.encode(message.startContainer, writer.uint32(106).fork(), _depth + 1).ldelim();
                    if (message.stopContainer != null && $Object.hasOwnProperty.call(message, "stopContainer"))
                        $root.estiba.isolation.v1.StopContainer.encode(message.stopContainer, writer.uint32(114).fork(), _depth + 1).ldelim();
                    if (message.removeContainer != null && $Object.hasOwnProperty.call(message, "removeContainer"))
                        $root.estiba.isolation.v1.RemoveContainer.encode(message.removeContainer, writer.uint32(122).fork(), _depth + 1).ldelim();
                    if (message.execSync != null && $Object.hasOwnProperty.call(message, "execSync"))
                        $root.estiba.isolation.v1.ExecSync.encode(message.execSync, writer.uint32(130).fork(), _depth + 1).ldelim();
                    if (message.reopenLog != null && $Object.hasOwnProperty.call(message, "reopenLog"))
                        $root.estiba.isolation.v1.ReopenLog.encode(message.reopenLog, writer.uint32(138).fork(), _depth + 1).ldelim();
                    if (message.stopPod != null && $Object.hasOwnProperty.call(message, "stopPod"))
                        $root.estiba.isolation.v1.StopPod.encode(message.stopPod, writer.uint32(146).fork(), _depth + 1).ldelim();
                    if (message.releasePod != null && $Object.hasOwnProperty.call(message, "releasePod"))
                        $root.estiba.isolation.v1.ReleasePod.encode(message.releasePod, writer.uint32(154).fork(), _depth + 1).ldelim();
                    if (message.cancel != null && $Object.hasOwnProperty.call(message, "cancel"))
                        $root.estiba.isolation.v1.CancelRequest.encode(message.cancel, writer.uint32(162).fork(), _depth + 1).ldelim();
                    if (message.updateContainer != null && $Object.hasOwnProperty.call(message, "updateContainer"))
                        $root.estiba.isolation.v1.UpdateContainer.encode(message.updateContainer, writer.uint32(170).fork(), _depth + 1).ldelim();
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                MonitorRequest.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.MonitorRequest();
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
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.version = value;
                                else
                                    delete message.version;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.id = value;
                                else
                                    delete message.id;
                                continue;
                            }
                        case 10: {
                                if (wireType !== 2)
                                    break;
                                message.subscribe = $root.estiba.isolation.v1.Subscribe.decode(reader, reader.size(), $undefined, _depth + 1, message.subscribe);
                                message.call = "subscribe";
                                continue;
                            }
                        case 11: {
                                if (wireType !== 2)
                                    break;
                                message.getPod = $root.estiba.isolation.v1.GetPod.decode(reader, reader.size(), $undefined, _depth + 1, message.getPod);
                                message.call = "getPod";
                                continue;
                            }
                        case 12: {
                                if (wireType !== 2)
                                    break;
                                message.createContainer = $root.estiba.isolation.v1.CreateContainer.decode(reader, reader.size(), $undefined, _depth + 1, message.createContainer);
                                message.call = "createContainer";
                                continue;
                            }
                        case 13: {
                                if (wireType !== 2)
                                    break;
                                message.startContainer = $root.estiba.isolation.v1.StartContainer.decode(reader, reader.size(), $undefined, _depth + 1, message.startContainer);
                                message.call = "startContainer";
                                continue;
                            }
                        case 14: {
                                if (wireType !== 2)
                                    break;
                                message.stopContainer = $root.estiba.isolation.v1.StopContainer.decode(reader, reader.size(), $undefined, _depth + 1, message.stopContainer);
                                message.call = "stopContainer";
                                continue;
                            }
                        case 15: {
                                if (wireType !== 2)
                                    break;
                                message.removeContainer = $root.estiba.isolation.v1.RemoveContainer.decode(reader, reader.size(), $undefined, _depth + 1, message.removeContainer);
                                message.call = "removeContainer";
                                continue;
                            }
                        case 16: {
                                if (wireType !== 2)
                                    break;
                                message.execSync = $root.estiba.isolation.v1.ExecSync.decode(reader, reader.size(), $undefined, _depth + 1, message.execSync);
                                message.call = "execSync";
                                continue;
                            }
                        case 17: {
                                if (wireType !== 2)
                                    break;
                                message.reopenLog = $root.estiba.isolation.v1.ReopenLog.decode(reader, reader.size(), $undefined, _depth + 1, message.reopenLog);
                                message.call = "reopenLog";
                                continue;
                            }
                        case 18: {
                                if (wireType !== 2)
                                    break;
                                message.stopPod = $root.estiba.isolation.v1.StopPod.decode(reader, reader.size(), $undefined, _depth + 1, message.stopPod);
                                message.call = "stopPod";
                                continue;
                            }
                        case 19: {
                                if (wireType !== 2)
                                    break;
                                message.releasePod = $root.estiba.isolation.v1.ReleasePod.decode(reader, reader.size(), $undefined, _depth + 1, message.releasePod);
                                message.call = "releasePod";
                                continue;
                            }
                        case 20: {
                                if (wireType !== 2)
                                    break;
                                message.cancel = $root.estiba.isolation.v1.CancelRequest.decode(reader, reader.size(), $undefined, _depth + 1, message.cancel);
                                message.call = "cancel";
                                continue;
                            }
                        case 21: {
                                if (wireType !== 2)
                                    break;
                                message.updateContainer = $root.estiba.isolation.v1.UpdateContainer.decode(reader, reader.size(), $undefined, _depth + 1, message.updateContainer);
                                message.call = "updateContainer";
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

                return MonitorRequest;
            })();

            v1.MonitorReply = (function() {

                const MonitorReply = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                MonitorReply.prototype.version = 0;
                MonitorReply.prototype.id = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                MonitorReply.prototype.done = false;
                MonitorReply.prototype.fault = null;
                MonitorReply.prototype.pod = null;
                MonitorReply.prototype.containerCreated = null;
                MonitorReply.prototype.containerStarted = null;
                MonitorReply.prototype.containerStopped = null;
                MonitorReply.prototype.removed = null;
                MonitorReply.prototype.execOutput = null;
                MonitorReply.prototype.execEnded = null;
                MonitorReply.prototype.reopened = null;
                MonitorReply.prototype.subscribed = null;
                MonitorReply.prototype.podStopped = null;
                MonitorReply.prototype.podReleased = null;
                MonitorReply.prototype.canceled = null;
                MonitorReply.prototype.updated = null;
                MonitorReply.prototype.containerExited = null;
                MonitorReply.prototype.podInitDied = null;
                MonitorReply.prototype.containerOomKilled = null;

                let $oneOfFields;

                $Object.defineProperty(MonitorReply.prototype, "result", {
                    get: $util.oneOfGetter($oneOfFields = ["fault", "pod", "containerCreated", "containerStarted", "containerStopped", "removed", "execOutput", "execEnded", "reopened", "subscribed", "podStopped", "podReleased", "canceled", "updated", "containerExited", "podInitDied", "containerOomKilled"]),
                    set: $util.oneOfSetter($oneOfFields)
                });

                MonitorReply.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.version != null && $Object.hasOwnProperty.call(message, "version") && message.version !== 0)
                        writer.uint32(8).uint32(message.version);
                    if (message.id != null && $Object.hasOwnProperty.call(message, "id") && (typeof message.id === "object" ? message.id.low || message.id.high : message.id !== 0))
                        writer.uint32(16).uint64(message.id);
                    if (message.done != null && $Object.hasOwnProperty.call(message, "done") && message.done !== false)
                        writer.uint32(24).bool(message.done);
                    if (message.fault != null && $Object.hasOwnProperty.call(message, "fault"))
                        $root.estiba.isolation.v1.Fault.encode(message.fault, writer.uint32(74).fork(), _depth + 1).ldelim();
                    if (message.pod != null && $Object.hasOwnProperty.call(message, "pod"))
                        $root.estiba.isolation.v1.PodState.encode(message.pod, writer.uint32(90).fork(), _depth + 1).ldelim();
                    if (message.containerCreated != null && $Object.hasOwnProperty.call(message, "containerCreated"))
                        $root.estiba.isolation.v1.ContainerCreated.encode(message.containerCreated, writer.uint32(98).fork(), _depth + 1).ldelim();
                    if (message.containerStarted != null && $Object.hasOwnProperty.call(message, "containerStarted"))
                        $root.estiba.isolation.v1.ContainerStarted.encode(message.containerStarted, writer.uint32(106).fork(), _depth + 1).ldelim();
                    if (message.containerStopped != null && $Object.hasOwnProperty.call(message, "containerStopped"))
                        $root.estiba.isolation.v1.ContainerState.encode(message.containerStopped, writer.uint32(114).fork(), _depth + 1).ldelim();
                    if (message.removed != null && $Object.hasOwnProperty.call(message, "removed"))
                        $root.estiba.isolation.v1.Done.encode(message.removed, writer.uint32(122).fork(), _depth + 1).ldelim();
                    if (message.execOutput != null && $Object.hasOwnProperty.call(message, "execOutput"))
                        $root.estiba.isolation.v1.ExecOutput.encode(message.execOutput, writer.uint32(130).fork(), _depth + 1).ldelim();
                    if (message.execEnded != null && $Object.hasOwnProperty.call(message, "execEnded"))
                        $root.estiba.isolation.v1.ExecEnded.encode(message.execEnded, writer.uint32(138).fork(), _depth + 1).ldelim();
                    if (message.reopened != null && $Object.hasOwnProperty.call(message, "reopened"))
                        $root.estiba.isolation.v1.Done.encode(message.reopened, writer.uint32(146).fork(), _depth + 1).ldelim();
                    if (message.subscribed != null && $Object.hasOwnProperty.call(message, "subscribed"))
                        $root.estiba.isolation.v1.Done.encode(message.subscribed, writer.uint32(154).fork(), _depth + 1).ldelim();
                    if (message.podStopped != null && $Object.hasOwnProperty.call(message, "podStopped"))
                        $root.estiba.isolation.v1.Done.encode(message.podStopped, writer.uint32(162).fork(), _depth + 1).ldelim();
                    if (message.podReleased != null && $Object.hasOwnProperty.call(message, "podReleased"))
                        $root.estiba.isolation.v1.Done.encode(message.podReleased, writer.uint32(170).fork(), _depth + 1).ldelim();
                    if (message.canceled != null && $Object.hasOwnProperty.call(message, "canceled"))
                        $root.estiba.isolation.v1.Done.encode(message.canceled, writer.uint32(178).fork(), _depth + 1).ldelim();
                    if (message.updated != null && $Object.hasOwnProperty.call(message, "updated"))
                        $root.estiba.isolation.v1.Done.encode(message.updated, writer.uint32(186).fork(), _depth + 1).ldelim();
                    if (message.containerExited != null && $Object.hasOwnProperty.call(message, "containerExited"))
                        $root.estiba.isolation.v1.ContainerState.encode(message.containerExited, writer.uint32(242).fork(), _depth + 1).ldelim();
                    if (message.podInitDied != null && $Object.hasOwnProperty.call(message, "podInitDied"))
                        $root.estiba.isolation.v1.PodInitDied.encode(message.podInitDied, writer.uint32(250).fork(), _depth + 1).ldelim();
                    if (message.containerOomKilled != null && $Object.hasOwnProperty.call(message, "containerOomKilled"))
                        $root.estiba.isolation.v1.ContainerOomKilled.encode(message.containerOomKilled, writer.uint32(258).fork(), _depth + 1).ldelim();
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                MonitorReply.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.MonitorReply();
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
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.version = value;
                                else
                                    delete message.version;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.id = value;
                                else
                                    delete message.id;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.done = value;
                                else
                                    delete message.done;
                                continue;
                            }
                        case 9: {
                                if (wireType !== 2)
                                    break;
                                message.fault = $root.estiba.isolation.v1.Fault.decode(reader, reader.size(), $undefined, _depth + 1, message.fault);
                                message.result = "fault";
                                continue;
                            }
                        case 11: {
                                if (wireType !== 2)
                                    break;
                                message.pod = $root.estiba.isolation.v1.PodState.decode(reader, reader.size(), $undefined, _depth + 1, message.pod);
                                message.result = "pod";
                                continue;
                            }
                        case 12: {
                                if (wireType !== 2)
                                    break;
                                message.containerCreated = $root.estiba.isolation.v1.ContainerCreated.decode(reader, reader.size(), $undefined, _depth + 1, message.containerCreated);
                                message.result = "containerCreated";
                                continue;
                            }
                        case 13: {
                                if (wireType !== 2)
                                    break;
                                message.containerStarted = $root.estiba.isolation.v1.ContainerStarted.decode(reader, reader.size(), $undefined, _depth + 1, message.containerStarted);
                                message.result = "containerStarted";
                                continue;
                            }
                        case 14: {
                                if (wireType !== 2)
                                    break;
                                message.containerStopped = $root.estiba.isolation.v1.ContainerState.decode(reader, reader.size(), $undefined, _depth + 1, message.containerStopped);
                                message.result = "containerStopped";
                                continue;
                            }
                        case 15: {
                                if (wireType !== 2)
                                    break;
                                message.removed = $root.estiba.isolation.v1.Done.decode(reader, reader.size(), $undefined, _depth + 1, message.removed);
                                message.result = "removed";
                                continue;
                            }
                        case 16: {
                                if (wireType !== 2)
                                    break;
                                message.execOutput = $root.estiba.isolation.v1.ExecOutput.decode(reader, reader.size(), $undefined, _depth + 1, message.execOutput);
                                message.result = "execOutput";
                                continue;
                            }
                        case 17: {
                                if (wireType !== 2)
                                    break;
                                message.execEnded = $root.estiba.isolation.v1.ExecEnded.decode(reader, reader.size(), $undefined, _depth + 1, message.execEnded);
                                message.result = "execEnded";
                                continue;
                            }
                        case 18: {
                                if (wireType !== 2)
                                    break;
                                message.reopened = $root.estiba.isolation.v1.Done.decode(reader, reader.size(), $undefined, _depth + 1, message.reopened);
                                message.result = "reopened";
                                continue;
                            }
                        case 19: {
                                if (wireType !== 2)
                                    break;
                                message.subscribed = $root.estiba.isolation.v1.Done.decode(reader, reader.size(), $undefined, _depth + 1, message.subscribed);
                                message.result = "subscribed";
                                continue;
                            }
                        case 20: {
                                if (wireType !== 2)
                                    break;
                                message.podStopped = $root.estiba.isolation.v1.Done.decode(reader, reader.size(), $undefined, _depth + 1, message.podStopped);
                                message.result = "podStopped";
                                continue;
                            }
                        case 21: {
                                if (wireType !== 2)
                                    break;
                                message.podReleased = $root.estiba.isolation.v1.Done.decode(reader, reader.size(), $undefined, _depth + 1, message.podReleased);
                                message.result = "podReleased";
                                continue;
                            }
                        case 22: {
                                if (wireType !== 2)
                                    break;
                                message.canceled = $root.estiba.isolation.v1.Done.decode(reader, reader.size(), $undefined, _depth + 1, message.canceled);
                                message.result = "canceled";
                                continue;
                            }
                        case 23: {
                                if (wireType !== 2)
                                    break;
                                message.updated = $root.estiba.isolation.v1.Done.decode(reader, reader.size(), $undefined, _depth + 1, message.updated);
                                message.result = "updated";
                                continue;
                            }
                        case 30: {
                                if (wireType !== 2)
                                    break;
                                message.containerExited = $root.estiba.isolation.v1.ContainerState.decode(reader, reader.size(), $undefined, _depth + 1, message.containerExited);
                                message.result = "containerExited";
                                continue;
                            }
                        case 31: {
                                if (wireType !== 2)
                                    break;
                                message.podInitDied = $root.estiba.isolation.v1.PodInitDied.decode(reader, reader.size(), $undefined, _depth + 1, message.podInitDied);
                                message.result = "podInitDied";
                                continue;
                            }
                        case 32: {
                                if (wireType !== 2)
                                    break;
                                message.containerOomKilled = $root.estiba.isolation.v1.ContainerOomKilled.decode(reader, reader.size(), $undefined, _depth + 1, message.containerOomKilled);
                                message.result = "containerOomKilled";
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

                return MonitorReply;
            })();

            v1.Subscribe = (function() {

                const Subscribe = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                Subscribe.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                Subscribe.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.estiba.isolation.v1.Subscribe();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        reader.skipType(tag & 7, _depth, tag);
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

                return Subscribe;
            })();

            v1.GetPod = (function() {

                const GetPod = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                GetPod.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                GetPod.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.estiba.isolation.v1.GetPod();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        reader.skipType(tag & 7, _depth, tag);
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

                return GetPod;
            })();

            v1.PodState = (function() {

                const PodState = function (properties) {
                    this.containers = [];
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                PodState.prototype.podId = "";
                PodState.prototype.monitorPid = 0;
                PodState.prototype.monitorStartTimeTicks = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                PodState.prototype.build = "";
                PodState.prototype.containers = $util.emptyArray;
                PodState.prototype.initPid = 0;
                PodState.prototype.bootId = "";

                PodState.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.podId != null && $Object.hasOwnProperty.call(message, "podId") && message.podId !== "")
                        writer.uint32(10).string(message.podId);
                    if (message.monitorPid != null && $Object.hasOwnProperty.call(message, "monitorPid") && message.monitorPid !== 0)
                        writer.uint32(16).int32(message.monitorPid);
                    if (message.monitorStartTimeTicks != null && $Object.hasOwnProperty.call(message, "monitorStartTimeTicks") && (typeof message.monitorStartTimeTicks === "object" ? message.monitorStartTimeTicks.low || message.monitorStartTimeTicks.high : message.monitorStartTimeTicks !== 0))
                        writer.uint32(24).uint64(message.monitorStartTimeTicks);
                    if (message.build != null && $Object.hasOwnProperty.call(message, "build") && message.build !== "")
                        writer.uint32(34).string(message.build);
                    if (message.containers != null && message.containers.length)
                        for (let i = 0; i < message.containers.length; ++i)
                            $root.estiba.isolation.v1.ContainerState.encode(message.containers[i], writer.uint32(42).fork(), _depth + 1).ldelim();
                    if (message.initPid != null && $Object.hasOwnProperty.call(message, "initPid") && message.initPid !== 0)
                        writer.uint32(48).int32(message.initPid);
                    if (message.bootId != null && $Object.hasOwnProperty.call(message, "bootId") && message.bootId !== "")
                        writer.uint32(58).string(message.bootId);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                PodState.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.PodState();
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
                                    message.podId = value;
                                else
                                    delete message.podId;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.monitorPid = value;
                                else
                                    delete message.monitorPid;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.monitorStartTimeTicks = value;
                                else
                                    delete message.monitorStartTimeTicks;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.build = value;
                                else
                                    delete message.build;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 2)
                                    break;
                                if (!(message.containers && message.containers.length))
                                    message.containers = [];
                                message.containers.push($root.estiba.isolation.v1.ContainerState.decode(reader, reader.size(), $undefined, _depth + 1));
                                continue;
                            }
                        case 6: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.initPid = value;
                                else
                                    delete message.initPid;
                                continue;
                            }
                        case 7: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.bootId = value;
                                else
                                    delete message.bootId;
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

                return PodState;
            })();

            v1.ContainerPhase = (function() {
                const valuesById = $Object.create(null), values = $Object.create(valuesById);
                values[valuesById[0] = "CONTAINER_PHASE_UNSPECIFIED"] = 0;
                values[valuesById[1] = "CREATED"] = 1;
                values[valuesById[2] = "RUNNING"] = 2;
                values[valuesById[3] = "EXITED"] = 3;
                return values;
            })();

            v1.ContainerState = (function() {

                const ContainerState = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                ContainerState.prototype.containerId = "";
                ContainerState.prototype.phase = 0;
                ContainerState.prototype.pid = 0;
                ContainerState.prototype.startTimeTicks = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                ContainerState.prototype.createdAtNs = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
                ContainerState.prototype.startedAtNs = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
                ContainerState.prototype.exit = null;
                ContainerState.prototype.user = null;
                ContainerState.prototype.oom = null;

                ContainerState.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.containerId != null && $Object.hasOwnProperty.call(message, "containerId") && message.containerId !== "")
                        writer.uint32(10).string(message.containerId);
                    if (message.phase != null && $Object.hasOwnProperty.call(message, "phase") && message.phase !== 0)
                        writer.uint32(16).int32(message.phase);
                    if (message.pid != null && $Object.hasOwnProperty.call(message, "pid") && message.pid !== 0)
                        writer.uint32(24).int32(message.pid);
                    if (message.startTimeTicks != null && $Object.hasOwnProperty.call(message, "startTimeTicks") && (typeof message.startTimeTicks === "object" ? message.startTimeTicks.low || message.startTimeTicks.high : message.startTimeTicks !== 0))
                        writer.uint32(32).uint64(message.startTimeTicks);
                    if (message.createdAtNs != null && $Object.hasOwnProperty.call(message, "createdAtNs") && (typeof message.createdAtNs === "object" ? message.createdAtNs.low || message.createdAtNs.high : message.createdAtNs !== 0))
                        writer.uint32(40).int64(message.createdAtNs);
                    if (message.startedAtNs != null && $Object.hasOwnProperty.call(message, "startedAtNs") && (typeof message.startedAtNs === "object" ? message.startedAtNs.low || message.startedAtNs.high : message.startedAtNs !== 0))
                        writer.uint32(48).int64(message.startedAtNs);
                    if (message.exit != null && $Object.hasOwnProperty.call(message, "exit"))
                        $root.estiba.isolation.v1.ExitRecord.encode(message.exit, writer.uint32(58).fork(), _depth + 1).ldelim();
                    if (message.user != null && $Object.hasOwnProperty.call(message, "user"))
                        $root.estiba.isolation.v1.ResolvedUser.encode(message.user, writer.uint32(66).fork(), _depth + 1).ldelim();
                    if (message.oom != null && $Object.hasOwnProperty.call(message, "oom"))
                        $root.estiba.isolation.v1.OomKills.encode(message.oom, writer.uint32(74).fork(), _depth + 1).ldelim();
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                ContainerState.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.ContainerState();
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
                                    message.containerId = value;
                                else
                                    delete message.containerId;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.phase = value;
                                else
                                    delete message.phase;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.pid = value;
                                else
                                    delete message.pid;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.startTimeTicks = value;
                                else
                                    delete message.startTimeTicks;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.int64()) === "object" ? value.low || value.high : value !== 0)
                                    message.createdAtNs = value;
                                else
                                    delete message.createdAtNs;
                                continue;
                            }
                        case 6: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.int64()) === "object" ? value.low || value.high : value !== 0)
                                    message.startedAtNs = value;
                                else
                                    delete message.startedAtNs;
                                continue;
                            }
                        case 7: {
                                if (wireType !== 2)
                                    break;
                                message.exit = $root.estiba.isolation.v1.ExitRecord.decode(reader, reader.size(), $undefined, _depth + 1, message.exit);
                                continue;
                            }
                        case 8: {
                                if (wireType !== 2)
                                    break;
                                message.user = $root.estiba.isolation.v1.ResolvedUser.decode(reader, reader.size(), $undefined, _depth + 1, message.user);
                                continue;
                            }
                        case 9: {
                                if (wireType !== 2)
                                    break;
                                message.oom = $root.estiba.isolation.v1.OomKills.decode(reader, reader.size(), $undefined, _depth + 1, message.oom);
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

                return ContainerState;
            })();

            v1.OomLevel = (function() {
                const valuesById = $Object.create(null), values = $Object.create(valuesById);
                values[valuesById[0] = "OOM_LEVEL_UNKNOWN"] = 0;
                values[valuesById[1] = "OOM_LEVEL_CONTAINER"] = 1;
                values[valuesById[2] = "OOM_LEVEL_POD"] = 2;
                values[valuesById[3] = "OOM_LEVEL_ANCESTOR"] = 3;
                values[valuesById[4] = "OOM_LEVEL_NODE"] = 4;
                return values;
            })();

            v1.OomKills = (function() {

                const OomKills = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                OomKills.prototype.kills = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                OomKills.prototype.level = 0;
                OomKills.prototype.cgroup = "";
                OomKills.prototype.limitBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                OomKills.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.kills != null && $Object.hasOwnProperty.call(message, "kills") && (typeof message.kills === "object" ? message.kills.low || message.kills.high : message.kills !== 0))
                        writer.uint32(8).uint64(message.kills);
                    if (message.level != null && $Object.hasOwnProperty.call(message, "level") && message.level !== 0)
                        writer.uint32(16).int32(message.level);
                    if (message.cgroup != null && $Object.hasOwnProperty.call(message, "cgroup") && message.cgroup !== "")
                        writer.uint32(26).string(message.cgroup);
                    if (message.limitBytes != null && $Object.hasOwnProperty.call(message, "limitBytes") && (typeof message.limitBytes === "object" ? message.limitBytes.low || message.limitBytes.high : message.limitBytes !== 0))
                        writer.uint32(32).uint64(message.limitBytes);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                OomKills.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.OomKills();
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
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.kills = value;
                                else
                                    delete message.kills;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.level = value;
                                else
                                    delete message.level;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.cgroup = value;
                                else
                                    delete message.cgroup;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.limitBytes = value;
                                else
                                    delete message.limitBytes;
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

                return OomKills;
            })();

            v1.ContainerOomKilled = (function() {

                const ContainerOomKilled = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                ContainerOomKilled.prototype.containerId = "";
                ContainerOomKilled.prototype.oom = null;

                ContainerOomKilled.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.containerId != null && $Object.hasOwnProperty.call(message, "containerId") && message.containerId !== "")
                        writer.uint32(10).string(message.containerId);
                    if (message.oom != null && $Object.hasOwnProperty.call(message, "oom"))
                        $root.estiba.isolation.v1.OomKills.encode(message.oom, writer.uint32(18).fork(), _depth + 1).ldelim();
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                ContainerOomKilled.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.ContainerOomKilled();
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
                                    message.containerId = value;
                                else
                                    delete message.containerId;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                message.oom = $root.estiba.isolation.v1.OomKills.decode(reader, reader.size(), $undefined, _depth + 1, message.oom);
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

                return ContainerOomKilled;
            })();

            v1.ExitRecord = (function() {

                const ExitRecord = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                ExitRecord.prototype.exitCode = 0;
                ExitRecord.prototype.signal = 0;
                ExitRecord.prototype.oomKilled = false;
                ExitRecord.prototype.startedAtNs = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
                ExitRecord.prototype.finishedAtNs = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
                ExitRecord.prototype.message = "";
                ExitRecord.prototype.startFailed = false;
                ExitRecord.prototype.oom = null;

                ExitRecord.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.exitCode != null && $Object.hasOwnProperty.call(message, "exitCode") && message.exitCode !== 0)
                        writer.uint32(8).int32(message.exitCode);
                    if (message.signal != null && $Object.hasOwnProperty.call(message, "signal") && message.signal !== 0)
                        writer.uint32(16).int32(message.signal);
                    if (message.oomKilled != null && $Object.hasOwnProperty.call(message, "oomKilled") && message.oomKilled !== false)
                        writer.uint32(24).bool(message.oomKilled);
                    if (message.startedAtNs != null && $Object.hasOwnProperty.call(message, "startedAtNs") && (typeof message.startedAtNs === "object" ? message.startedAtNs.low || message.startedAtNs.high : message.startedAtNs !== 0))
                        writer.uint32(32).int64(message.startedAtNs);
                    if (message.finishedAtNs != null && $Object.hasOwnProperty.call(message, "finishedAtNs") && (typeof message.finishedAtNs === "object" ? message.finishedAtNs.low || message.finishedAtNs.high : message.finishedAtNs !== 0))
                        writer.uint32(40).int64(message.finishedAtNs);
                    if (message.message != null && $Object.hasOwnProperty.call(message, "message") && message.message !== "")
                        writer.uint32(50).string(message.message);
                    if (message.startFailed != null && $Object.hasOwnProperty.call(message, "startFailed") && message.startFailed !== false)
                        writer.uint32(56).bool(message.startFailed);
                    if (message.oom != null && $Object.hasOwnProperty.call(message, "oom"))
                        $root.estiba.isolation.v1.OomKills.encode(message.oom, writer.uint32(66).fork(), _depth + 1).ldelim();
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                ExitRecord.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.ExitRecord();
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
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.exitCode = value;
                                else
                                    delete message.exitCode;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.signal = value;
                                else
                                    delete message.signal;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.oomKilled = value;
                                else
                                    delete message.oomKilled;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.int64()) === "object" ? value.low || value.high : value !== 0)
                                    message.startedAtNs = value;
                                else
                                    delete message.startedAtNs;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.int64()) === "object" ? value.low || value.high : value !== 0)
                                    message.finishedAtNs = value;
                                else
                                    delete message.finishedAtNs;
                                continue;
                            }
                        case 6: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.message = value;
                                else
                                    delete message.message;
                                continue;
                            }
                        case 7: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.startFailed = value;
                                else
                                    delete message.startFailed;
                                continue;
                            }
                        case 8: {
                                if (wireType !== 2)
                                    break;
                                message.oom = $root.estiba.isolation.v1.OomKills.decode(reader, reader.size(), $undefined, _depth + 1, message.oom);
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

                return ExitRecord;
            })();

            v1.PodStateRecord = (function() {

                const PodStateRecord = function (properties) {
                    this.cgroups = [];
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                PodStateRecord.prototype.version = 0;
                PodStateRecord.prototype.bootId = "";
                PodStateRecord.prototype.podId = "";
                PodStateRecord.prototype.monitorPid = 0;
                PodStateRecord.prototype.monitorStartTimeTicks = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                PodStateRecord.prototype.cgroups = $util.emptyArray;
                PodStateRecord.prototype.netnsPath = "";

                PodStateRecord.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.version != null && $Object.hasOwnProperty.call(message, "version") && message.version !== 0)
                        writer.uint32(8).uint32(message.version);
                    if (message.bootId != null && $Object.hasOwnProperty.call(message, "bootId") && message.bootId !== "")
                        writer.uint32(18).string(message.bootId);
                    if (message.podId != null && $Object.hasOwnProperty.call(message, "podId") && message.podId !== "")
                        writer.uint32(26).string(message.podId);
                    if (message.monitorPid != null && $Object.hasOwnProperty.call(message, "monitorPid") && message.monitorPid !== 0)
                        writer.uint32(32).int32(message.monitorPid);
                    if (message.monitorStartTimeTicks != null && $Object.hasOwnProperty.call(message, "monitorStartTimeTicks") && (typeof message.monitorStartTimeTicks === "object" ? message.monitorStartTimeTicks.low || message.monitorStartTimeTicks.high : message.monitorStartTimeTicks !== 0))
                        writer.uint32(40).uint64(message.monitorStartTimeTicks);
                    if (message.cgroups != null && message.cgroups.length)
                        for (let i = 0; i < message.cgroups.length; ++i)
                            writer.uint32(50).string(message.cgroups[i]);
                    if (message.netnsPath != null && $Object.hasOwnProperty.call(message, "netnsPath") && message.netnsPath !== "")
                        writer.uint32(58).string(message.netnsPath);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                PodStateRecord.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.PodStateRecord();
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
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.version = value;
                                else
                                    delete message.version;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.bootId = value;
                                else
                                    delete message.bootId;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.podId = value;
                                else
                                    delete message.podId;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.monitorPid = value;
                                else
                                    delete message.monitorPid;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.monitorStartTimeTicks = value;
                                else
                                    delete message.monitorStartTimeTicks;
                                continue;
                            }
                        case 6: {
                                if (wireType !== 2)
                                    break;
                                if (!(message.cgroups && message.cgroups.length))
                                    message.cgroups = [];
                                message.cgroups.push(reader.stringVerify());
                                continue;
                            }
                        case 7: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.netnsPath = value;
                                else
                                    delete message.netnsPath;
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

                return PodStateRecord;
            })();

            v1.CreateContainer = (function() {

                const CreateContainer = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                CreateContainer.prototype.containerId = "";
                CreateContainer.prototype.specJson = $util.newBuffer([]);
                CreateContainer.prototype.rootfs = null;
                CreateContainer.prototype.stdio = null;
                CreateContainer.prototype.user = null;
                CreateContainer.prototype.pidTargetContainerId = "";
                CreateContainer.prototype.deadlineMs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                CreateContainer.prototype.seccomp = null;

                CreateContainer.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.containerId != null && $Object.hasOwnProperty.call(message, "containerId") && message.containerId !== "")
                        writer.uint32(10).string(message.containerId);
                    if (message.specJson != null && $Object.hasOwnProperty.call(message, "specJson") && message.specJson.length)
                        writer.uint32(18).bytes(message.specJson);
                    if (message.rootfs != null && $Object.hasOwnProperty.call(message, "rootfs"))
                        $root.estiba.isolation.v1.Rootfs.encode(message.rootfs, writer.uint32(26).fork(), _depth + 1).ldelim();
                    if (message.stdio != null && $Object.hasOwnProperty.call(message, "stdio"))
                        $root.estiba.isolation.v1.Stdio.encode(message.stdio, writer.uint32(34).fork(), _depth + 1).ldelim();
                    if (message.user != null && $Object.hasOwnProperty.call(message, "user"))
                        $root.estiba.isolation.v1.UserRequest.encode(message.user, writer.uint32(42).fork(), _depth + 1).ldelim();
                    if (message.pidTargetContainerId != null && $Object.hasOwnProperty.call(message, "pidTargetContainerId") && message.pidTargetContainerId !== "")
                        writer.uint32(50).string(message.pidTargetContainerId);
                    if (message.deadlineMs != null && $Object.hasOwnProperty.call(message, "deadlineMs") && (typeof message.deadlineMs === "object" ? message.deadlineMs.low || message.deadlineMs.high : message.deadlineMs !== 0))
                        writer.uint32(56).uint64(message.deadlineMs);
                    if (message.seccomp != null && $Object.hasOwnProperty.call(message, "seccomp"))
                        $root.estiba.isolation.v1.SeccompFilter.encode(message.seccomp, writer.uint32(162).fork(), _depth + 1).ldelim();
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                CreateContainer.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.CreateContainer();
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
                                    message.containerId = value;
                                else
                                    delete message.containerId;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.bytes()).length)
                                    message.specJson = value;
                                else
                                    delete message.specJson;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 2)
                                    break;
                                message.rootfs = $root.estiba.isolation.v1.Rootfs.decode(reader, reader.size(), $undefined, _depth + 1, message.rootfs);
                                continue;
                            }
                        case 4: {
                                if (wireType !== 2)
                                    break;
                                message.stdio = $root.estiba.isolation.v1.Stdio.decode(reader, reader.size(), $undefined, _depth + 1, message.stdio);
                                continue;
                            }
                        case 5: {
                                if (wireType !== 2)
                                    break;
                                message.user = $root.estiba.isolation.v1.UserRequest.decode(reader, reader.size(), $undefined, _depth + 1, message.user);
                                continue;
                            }
                        case 6: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.pidTargetContainerId = value;
                                else
                                    delete message.pidTargetContainerId;
                                continue;
                            }
                        case 7: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.deadlineMs = value;
                                else
                                    delete message.deadlineMs;
                                continue;
                            }
                        case 20: {
                                if (wireType !== 2)
                                    break;
                                message.seccomp = $root.estiba.isolation.v1.SeccompFilter.decode(reader, reader.size(), $undefined, _depth + 1, message.seccomp);
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

                return CreateContainer;
            })();

            v1.SeccompFilter = (function() {

                const SeccompFilter = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                SeccompFilter.prototype.program = $util.newBuffer([]);
                SeccompFilter.prototype.flags = 0;

                SeccompFilter.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.program != null && $Object.hasOwnProperty.call(message, "program") && message.program.length)
                        writer.uint32(10).bytes(message.program);
                    if (message.flags != null && $Object.hasOwnProperty.call(message, "flags") && message.flags !== 0)
                        writer.uint32(16).uint32(message.flags);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                SeccompFilter.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.SeccompFilter();
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
                                if ((value = reader.bytes()).length)
                                    message.program = value;
                                else
                                    delete message.program;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.flags = value;
                                else
                                    delete message.flags;
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

                return SeccompFilter;
            })();

            v1.Rootfs = (function() {

                const Rootfs = function (properties) {
                    this.lowerDirs = [];
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                Rootfs.prototype.lowerDirs = $util.emptyArray;
                Rootfs.prototype.writableDir = "";
                Rootfs.prototype.volatile = false;

                Rootfs.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.lowerDirs != null && message.lowerDirs.length)
                        for (let i = 0; i < message.lowerDirs.length; ++i)
                            writer.uint32(10).string(message.lowerDirs[i]);
                    if (message.writableDir != null && $Object.hasOwnProperty.call(message, "writableDir") && message.writableDir !== "")
                        writer.uint32(18).string(message.writableDir);
                    if (message.volatile != null && $Object.hasOwnProperty.call(message, "volatile") && message.volatile !== false)
                        writer.uint32(24).bool(message.volatile);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                Rootfs.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.Rootfs();
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
                                if (!(message.lowerDirs && message.lowerDirs.length))
                                    message.lowerDirs = [];
                                message.lowerDirs.push(reader.stringVerify());
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.writableDir = value;
                                else
                                    delete message.writableDir;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.volatile = value;
                                else
                                    delete message.volatile;
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

                return Rootfs;
            })();

            v1.Stdio = (function() {

                const Stdio = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                Stdio.prototype.logPath = "";
                Stdio.prototype.tty = false;
                Stdio.prototype.stdin = false;
                Stdio.prototype.stdinOnce = false;
                Stdio.prototype.logDirectory = "";

                Stdio.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.logPath != null && $Object.hasOwnProperty.call(message, "logPath") && message.logPath !== "")
                        writer.uint32(10).string(message.logPath);
                    if (message.tty != null && $Object.hasOwnProperty.call(message, "tty") && message.tty !== false)
                        writer.uint32(16).bool(message.tty);
                    if (message.stdin != null && $Object.hasOwnProperty.call(message, "stdin") && message.stdin !== false)
                        writer.uint32(24).bool(message.stdin);
                    if (message.stdinOnce != null && $Object.hasOwnProperty.call(message, "stdinOnce") && message.stdinOnce !== false)
                        writer.uint32(32).bool(message.stdinOnce);
                    if (message.logDirectory != null && $Object.hasOwnProperty.call(message, "logDirectory") && message.logDirectory !== "")
                        writer.uint32(42).string(message.logDirectory);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                Stdio.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.Stdio();
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
                                    message.logPath = value;
                                else
                                    delete message.logPath;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.tty = value;
                                else
                                    delete message.tty;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.stdin = value;
                                else
                                    delete message.stdin;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.stdinOnce = value;
                                else
                                    delete message.stdinOnce;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.logDirectory = value;
                                else
                                    delete message.logDirectory;
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

                return Stdio;
            })();

            v1.UserRequest = (function() {

                const UserRequest = function (properties) {
                    this.supplementalGids = [];
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                UserRequest.prototype.user = "";
                UserRequest.prototype.group = "";
                UserRequest.prototype.supplementalGids = $util.emptyArray;
                UserRequest.prototype.strictGroups = false;

                UserRequest.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.user != null && $Object.hasOwnProperty.call(message, "user") && message.user !== "")
                        writer.uint32(10).string(message.user);
                    if (message.group != null && $Object.hasOwnProperty.call(message, "group") && message.group !== "")
                        writer.uint32(18).string(message.group);
                    if (message.supplementalGids != null && message.supplementalGids.length)
                        writer.uint32(26).uint32s(message.supplementalGids);
                    if (message.strictGroups != null && $Object.hasOwnProperty.call(message, "strictGroups") && message.strictGroups !== false)
                        writer.uint32(32).bool(message.strictGroups);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                UserRequest.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.UserRequest();
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
                                    message.user = value;
                                else
                                    delete message.user;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.group = value;
                                else
                                    delete message.group;
                                continue;
                            }
                        case 3: {
                                if (wireType === 2) {
                                    if (!(message.supplementalGids && message.supplementalGids.length))
                                        message.supplementalGids = [];
                                    reader.uint32s(message.supplementalGids);
                                    continue;
                                }
                                if (wireType !== 0)
                                    break;
                                if (!(message.supplementalGids && message.supplementalGids.length))
                                    message.supplementalGids = [];
                                message.supplementalGids.push(reader.uint32());
                                continue;
                            }
                        case 4: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.strictGroups = value;
                                else
                                    delete message.strictGroups;
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

                return UserRequest;
            })();

            v1.ResolvedUser = (function() {

                const ResolvedUser = function (properties) {
                    this.additionalGids = [];
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                ResolvedUser.prototype.uid = 0;
                ResolvedUser.prototype.gid = 0;
                ResolvedUser.prototype.additionalGids = $util.emptyArray;

                ResolvedUser.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.uid != null && $Object.hasOwnProperty.call(message, "uid") && message.uid !== 0)
                        writer.uint32(8).uint32(message.uid);
                    if (message.gid != null && $Object.hasOwnProperty.call(message, "gid") && message.gid !== 0)
                        writer.uint32(16).uint32(message.gid);
                    if (message.additionalGids != null && message.additionalGids.length)
                        writer.uint32(26).uint32s(message.additionalGids);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                ResolvedUser.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.ResolvedUser();
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
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.uid = value;
                                else
                                    delete message.uid;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.gid = value;
                                else
                                    delete message.gid;
                                continue;
                            }
                        case 3: {
                                if (wireType === 2) {
                                    if (!(message.additionalGids && message.additionalGids.length))
                                        message.additionalGids = [];
                                    reader.uint32s(message.additionalGids);
                                    continue;
                                }
                                if (wireType !== 0)
                                    break;
                                if (!(message.additionalGids && message.additionalGids.length))
                                    message.additionalGids = [];
                                message.additionalGids.push(reader.uint32());
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

                return ResolvedUser;
            })();

            v1.ContainerCreated = (function() {

                const ContainerCreated = function (properties) {
                    this.steps = [];
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                ContainerCreated.prototype.pid = 0;
                ContainerCreated.prototype.user = null;
                ContainerCreated.prototype.createdAtNs = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
                ContainerCreated.prototype.steps = $util.emptyArray;

                ContainerCreated.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.pid != null && $Object.hasOwnProperty.call(message, "pid") && message.pid !== 0)
                        writer.uint32(8).int32(message.pid);
                    if (message.user != null && $Object.hasOwnProperty.call(message, "user"))
                        $root.estiba.isolation.v1.ResolvedUser.encode(message.user, writer.uint32(18).fork(), _depth + 1).ldelim();
                    if (message.createdAtNs != null && $Object.hasOwnProperty.call(message, "createdAtNs") && (typeof message.createdAtNs === "object" ? message.createdAtNs.low || message.createdAtNs.high : message.createdAtNs !== 0))
                        writer.uint32(24).int64(message.createdAtNs);
                    if (message.steps != null && message.steps.length)
                        for (let i = 0; i < message.steps.length; ++i)
                            $root.estiba.isolation.v1.StepTime.encode(message.steps[i], writer.uint32(34).fork(), _depth + 1).ldelim();
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                ContainerCreated.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.ContainerCreated();
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
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.pid = value;
                                else
                                    delete message.pid;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                message.user = $root.estiba.isolation.v1.ResolvedUser.decode(reader, reader.size(), $undefined, _depth + 1, message.user);
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.int64()) === "object" ? value.low || value.high : value !== 0)
                                    message.createdAtNs = value;
                                else
                                    delete message.createdAtNs;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 2)
                                    break;
                                if (!(message.steps && message.steps.length))
                                    message.steps = [];
                                message.steps.push($root.estiba.isolation.v1.StepTime.decode(reader, reader.size(), $undefined, _depth + 1));
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

                return ContainerCreated;
            })();

            v1.StepTime = (function() {

                const StepTime = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                StepTime.prototype.step = "";
                StepTime.prototype.elapsedUs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                StepTime.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.step != null && $Object.hasOwnProperty.call(message, "step") && message.step !== "")
                        writer.uint32(10).string(message.step);
                    if (message.elapsedUs != null && $Object.hasOwnProperty.call(message, "elapsedUs") && (typeof message.elapsedUs === "object" ? message.elapsedUs.low || message.elapsedUs.high : message.elapsedUs !== 0))
                        writer.uint32(16).uint64(message.elapsedUs);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                StepTime.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.StepTime();
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
                                    message.step = value;
                                else
                                    delete message.step;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.elapsedUs = value;
                                else
                                    delete message.elapsedUs;
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

                return StepTime;
            })();

            v1.StartContainer = (function() {

                const StartContainer = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                StartContainer.prototype.containerId = "";

                StartContainer.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.containerId != null && $Object.hasOwnProperty.call(message, "containerId") && message.containerId !== "")
                        writer.uint32(10).string(message.containerId);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                StartContainer.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.StartContainer();
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
                                    message.containerId = value;
                                else
                                    delete message.containerId;
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

                return StartContainer;
            })();

            v1.ContainerStarted = (function() {

                const ContainerStarted = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                ContainerStarted.prototype.pid = 0;
                ContainerStarted.prototype.startedAtNs = $util.Long ? $util.Long.fromBits(0,0,false) : 0;

                ContainerStarted.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.pid != null && $Object.hasOwnProperty.call(message, "pid") && message.pid !== 0)
                        writer.uint32(8).int32(message.pid);
                    if (message.startedAtNs != null && $Object.hasOwnProperty.call(message, "startedAtNs") && (typeof message.startedAtNs === "object" ? message.startedAtNs.low || message.startedAtNs.high : message.startedAtNs !== 0))
                        writer.uint32(16).int64(message.startedAtNs);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                ContainerStarted.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.ContainerStarted();
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
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.pid = value;
                                else
                                    delete message.pid;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.int64()) === "object" ? value.low || value.high : value !== 0)
                                    message.startedAtNs = value;
                                else
                                    delete message.startedAtNs;
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

                return ContainerStarted;
            })();

            v1.StopContainer = (function() {

                const StopContainer = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                StopContainer.prototype.containerId = "";
                StopContainer.prototype.signal = 0;
                StopContainer.prototype.graceMs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                StopContainer.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.containerId != null && $Object.hasOwnProperty.call(message, "containerId") && message.containerId !== "")
                        writer.uint32(10).string(message.containerId);
                    if (message.signal != null && $Object.hasOwnProperty.call(message, "signal") && message.signal !== 0)
                        writer.uint32(16).int32(message.signal);
                    if (message.graceMs != null && $Object.hasOwnProperty.call(message, "graceMs") && (typeof message.graceMs === "object" ? message.graceMs.low || message.graceMs.high : message.graceMs !== 0))
                        writer.uint32(24).uint64(message.graceMs);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                StopContainer.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.StopContainer();
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
                                    message.containerId = value;
                                else
                                    delete message.containerId;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.signal = value;
                                else
                                    delete message.signal;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.graceMs = value;
                                else
                                    delete message.graceMs;
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

                return StopContainer;
            })();

            v1.UpdateContainer = (function() {

                const UpdateContainer = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                UpdateContainer.prototype.containerId = "";
                UpdateContainer.prototype.resourcesJson = $util.newBuffer([]);
                UpdateContainer.prototype.oomScoreAdj = null;

                let $oneOfFields;

                // Virtual OneOf for proto3 optional field
                $Object.defineProperty(UpdateContainer.prototype, "_oomScoreAdj", {
                    get: $util.oneOfGetter($oneOfFields = ["oomScoreAdj"]),
                    set: $util.oneOfSetter($oneOfFields)
                });

                UpdateContainer.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.containerId != null && $Object.hasOwnProperty.call(message, "containerId") && message.containerId !== "")
                        writer.uint32(10).string(message.containerId);
                    if (message.resourcesJson != null && $Object.hasOwnProperty.call(message, "resourcesJson") && message.resourcesJson.length)
                        writer.uint32(18).bytes(message.resourcesJson);
                    if (message.oomScoreAdj != null && $Object.hasOwnProperty.call(message, "oomScoreAdj"))
                        writer.uint32(24).sint32(message.oomScoreAdj);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                UpdateContainer.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.UpdateContainer();
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
                                    message.containerId = value;
                                else
                                    delete message.containerId;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.bytes()).length)
                                    message.resourcesJson = value;
                                else
                                    delete message.resourcesJson;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                message.oomScoreAdj = reader.sint32();
                                message._oomScoreAdj = "oomScoreAdj";
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

                return UpdateContainer;
            })();

            v1.RemoveContainer = (function() {

                const RemoveContainer = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                RemoveContainer.prototype.containerId = "";

                RemoveContainer.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.containerId != null && $Object.hasOwnProperty.call(message, "containerId") && message.containerId !== "")
                        writer.uint32(10).string(message.containerId);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                RemoveContainer.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.RemoveContainer();
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
                                    message.containerId = value;
                                else
                                    delete message.containerId;
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

                return RemoveContainer;
            })();

            v1.ExecSync = (function() {

                const ExecSync = function (properties) {
                    this.argv = [];
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                ExecSync.prototype.containerId = "";
                ExecSync.prototype.argv = $util.emptyArray;
                ExecSync.prototype.timeoutMs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
                ExecSync.prototype.outputLimitBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                ExecSync.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.containerId != null && $Object.hasOwnProperty.call(message, "containerId") && message.containerId !== "")
                        writer.uint32(10).string(message.containerId);
                    if (message.argv != null && message.argv.length)
                        for (let i = 0; i < message.argv.length; ++i)
                            writer.uint32(18).string(message.argv[i]);
                    if (message.timeoutMs != null && $Object.hasOwnProperty.call(message, "timeoutMs") && (typeof message.timeoutMs === "object" ? message.timeoutMs.low || message.timeoutMs.high : message.timeoutMs !== 0))
                        writer.uint32(24).uint64(message.timeoutMs);
                    if (message.outputLimitBytes != null && $Object.hasOwnProperty.call(message, "outputLimitBytes") && (typeof message.outputLimitBytes === "object" ? message.outputLimitBytes.low || message.outputLimitBytes.high : message.outputLimitBytes !== 0))
                        writer.uint32(32).uint64(message.outputLimitBytes);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                ExecSync.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.ExecSync();
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
                                    message.containerId = value;
                                else
                                    delete message.containerId;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                if (!(message.argv && message.argv.length))
                                    message.argv = [];
                                message.argv.push(reader.stringVerify());
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.timeoutMs = value;
                                else
                                    delete message.timeoutMs;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.outputLimitBytes = value;
                                else
                                    delete message.outputLimitBytes;
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

                return ExecSync;
            })();

            v1.ExecOutput = (function() {

                const ExecOutput = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                ExecOutput.prototype.stdout = $util.newBuffer([]);
                ExecOutput.prototype.stderr = $util.newBuffer([]);

                ExecOutput.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.stdout != null && $Object.hasOwnProperty.call(message, "stdout") && message.stdout.length)
                        writer.uint32(10).bytes(message.stdout);
                    if (message.stderr != null && $Object.hasOwnProperty.call(message, "stderr") && message.stderr.length)
                        writer.uint32(18).bytes(message.stderr);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                ExecOutput.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.ExecOutput();
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
                                if ((value = reader.bytes()).length)
                                    message.stdout = value;
                                else
                                    delete message.stdout;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.bytes()).length)
                                    message.stderr = value;
                                else
                                    delete message.stderr;
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

                return ExecOutput;
            })();

            v1.ExecEnded = (function() {

                const ExecEnded = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                ExecEnded.prototype.exitCode = 0;
                ExecEnded.prototype.timedOut = false;
                ExecEnded.prototype.outputCut = false;
                ExecEnded.prototype.oomKilled = false;

                ExecEnded.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.exitCode != null && $Object.hasOwnProperty.call(message, "exitCode") && message.exitCode !== 0)
                        writer.uint32(8).int32(message.exitCode);
                    if (message.timedOut != null && $Object.hasOwnProperty.call(message, "timedOut") && message.timedOut !== false)
                        writer.uint32(16).bool(message.timedOut);
                    if (message.outputCut != null && $Object.hasOwnProperty.call(message, "outputCut") && message.outputCut !== false)
                        writer.uint32(24).bool(message.outputCut);
                    if (message.oomKilled != null && $Object.hasOwnProperty.call(message, "oomKilled") && message.oomKilled !== false)
                        writer.uint32(32).bool(message.oomKilled);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                ExecEnded.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.ExecEnded();
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
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.exitCode = value;
                                else
                                    delete message.exitCode;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.timedOut = value;
                                else
                                    delete message.timedOut;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.outputCut = value;
                                else
                                    delete message.outputCut;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.oomKilled = value;
                                else
                                    delete message.oomKilled;
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

                return ExecEnded;
            })();

            v1.ReopenLog = (function() {

                const ReopenLog = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                ReopenLog.prototype.containerId = "";

                ReopenLog.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.containerId != null && $Object.hasOwnProperty.call(message, "containerId") && message.containerId !== "")
                        writer.uint32(10).string(message.containerId);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                ReopenLog.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.ReopenLog();
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
                                    message.containerId = value;
                                else
                                    delete message.containerId;
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

                return ReopenLog;
            })();

            v1.StopPod = (function() {

                const StopPod = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                StopPod.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                StopPod.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.estiba.isolation.v1.StopPod();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        reader.skipType(tag & 7, _depth, tag);
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

                return StopPod;
            })();

            v1.ReleasePod = (function() {

                const ReleasePod = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                ReleasePod.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                ReleasePod.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.estiba.isolation.v1.ReleasePod();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        reader.skipType(tag & 7, _depth, tag);
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

                return ReleasePod;
            })();

            v1.CancelRequest = (function() {

                const CancelRequest = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                CancelRequest.prototype.targetId = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                CancelRequest.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.targetId != null && $Object.hasOwnProperty.call(message, "targetId") && (typeof message.targetId === "object" ? message.targetId.low || message.targetId.high : message.targetId !== 0))
                        writer.uint32(8).uint64(message.targetId);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                CancelRequest.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.CancelRequest();
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
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.targetId = value;
                                else
                                    delete message.targetId;
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

                return CancelRequest;
            })();

            v1.PodInitDied = (function() {

                const PodInitDied = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                PodInitDied.prototype.exit = null;

                PodInitDied.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.exit != null && $Object.hasOwnProperty.call(message, "exit"))
                        $root.estiba.isolation.v1.ExitRecord.encode(message.exit, writer.uint32(10).fork(), _depth + 1).ldelim();
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                PodInitDied.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.estiba.isolation.v1.PodInitDied();
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
                                message.exit = $root.estiba.isolation.v1.ExitRecord.decode(reader, reader.size(), $undefined, _depth + 1, message.exit);
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

                return PodInitDied;
            })();

            return v1;
        })();

        return isolation;
    })();

    return estiba;
})();

export {
  $root as default
};
