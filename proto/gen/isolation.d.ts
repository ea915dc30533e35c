import * as $protobuf from "protobufjs/minimal.js";
import Long = require("long");

/** Namespace estiba. */
export namespace estiba {

    /** Namespace isolation. */
    namespace isolation {

        /** Namespace v1. */
        namespace v1 {

            /**
             * The closed set of error codes of the whole project. `cri/core` has the same names and one table
             * that maps them to gRPC status codes.
             */
            enum ErrorCode {

                /** never sent */
                ERROR_CODE_UNSPECIFIED = 0,

                /** INVALID_ARGUMENT value */
                INVALID_ARGUMENT = 1,

                /** NOT_FOUND value */
                NOT_FOUND = 2,

                /** ALREADY_EXISTS value */
                ALREADY_EXISTS = 3,

                /** FAILED_PRECONDITION value */
                FAILED_PRECONDITION = 4,

                /** UNAVAILABLE value */
                UNAVAILABLE = 5,

                /** DEADLINE_EXCEEDED value */
                DEADLINE_EXCEEDED = 6,

                /** CANCELED value */
                CANCELED = 7,

                /** RESOURCE_EXHAUSTED value */
                RESOURCE_EXHAUSTED = 8,

                /** PERMISSION_DENIED value */
                PERMISSION_DENIED = 9,

                /** UNAUTHENTICATED value */
                UNAUTHENTICATED = 10,

                /** UNIMPLEMENTED value */
                UNIMPLEMENTED = 11,

                /** INTERNAL value */
                INTERNAL = 12
            }

            /**
             * Properties of a Fault.
             * @deprecated Use estiba.isolation.v1.Fault.$Properties instead.
             */
            interface IFault extends estiba.isolation.v1.Fault.$Properties {
            }

            /** Why a job failed. `message` reads `cannot <do> <what>: <why>` and is shown to users as it is. */
            class Fault {

                /**
                 * Constructs a new Fault.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.Fault.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Fault code. */
                code: estiba.isolation.v1.ErrorCode;

                /** Machine-readable name of the step that failed, kebab-case ("mount-volume", "execve"). */
                step: string;

                /** errno of the kernel call that failed; 0 when none did. */
                errno: number;

                /** Fault message. */
                message: string;

                /** Causes, outermost first, without the message itself. */
                chain: string[];

                /**
                 * Encodes the specified Fault message. Does not implicitly {@link estiba.isolation.v1.Fault.verify|verify} messages.
                 * @param message Fault message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.Fault.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Fault message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.Fault & estiba.isolation.v1.Fault.$Shape} Fault
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.Fault & estiba.isolation.v1.Fault.$Shape;
            }

            namespace Fault {

                /** Properties of a Fault. */
                interface $Properties {

                    /** Fault code */
                    code?: (estiba.isolation.v1.ErrorCode|null);

                    /** Machine-readable name of the step that failed, kebab-case ("mount-volume", "execve"). */
                    step?: (string|null);

                    /** errno of the kernel call that failed; 0 when none did. */
                    errno?: (number|null);

                    /** Fault message */
                    message?: (string|null);

                    /** Causes, outermost first, without the message itself. */
                    chain?: (string[]|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Fault. */
                type $Shape = estiba.isolation.v1.Fault.$Properties;
            }

            /**
             * Properties of a LauncherRequest.
             * @deprecated Use estiba.isolation.v1.LauncherRequest.$Properties instead.
             */
            interface ILauncherRequest extends estiba.isolation.v1.LauncherRequest.$Properties {
            }

            /** Represents a LauncherRequest. */
            class LauncherRequest {

                /**
                 * Constructs a new LauncherRequest.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.LauncherRequest.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** LauncherRequest version. */
                version: number;

                /** LauncherRequest ping. */
                ping?: (estiba.isolation.v1.Ping.$Properties|null);

                /** LauncherRequest startPod. */
                startPod?: (estiba.isolation.v1.StartPod.$Properties|null);

                /** LauncherRequest runProgram. */
                runProgram?: (estiba.isolation.v1.RunProgram.$Properties|null);

                /** LauncherRequest unpack. */
                unpack?: (estiba.isolation.v1.Unpack.$Properties|null);

                /** LauncherRequest removeTrees. */
                removeTrees?: (estiba.isolation.v1.RemoveTrees.$Properties|null);

                /** LauncherRequest destroyPod. */
                destroyPod?: (estiba.isolation.v1.DestroyPod.$Properties|null);

                /** LauncherRequest compileSeccomp. */
                compileSeccomp?: (estiba.isolation.v1.CompileSeccomp.$Properties|null);

                /** LauncherRequest labelTrees. */
                labelTrees?: (estiba.isolation.v1.LabelTrees.$Properties|null);

                /** LauncherRequest job. */
                job?: ("ping"|"startPod"|"runProgram"|"unpack"|"removeTrees"|"destroyPod"|"compileSeccomp"|"labelTrees");

                /**
                 * Encodes the specified LauncherRequest message. Does not implicitly {@link estiba.isolation.v1.LauncherRequest.verify|verify} messages.
                 * @param message LauncherRequest message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.LauncherRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a LauncherRequest message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.LauncherRequest & estiba.isolation.v1.LauncherRequest.$Shape} LauncherRequest
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.LauncherRequest & estiba.isolation.v1.LauncherRequest.$Shape;
            }

            namespace LauncherRequest {

                /** Properties of a LauncherRequest. */
                interface $Properties {

                    /** LauncherRequest version */
                    version?: (number|null);

                    /** LauncherRequest ping */
                    ping?: (estiba.isolation.v1.Ping.$Properties|null);

                    /** LauncherRequest startPod */
                    startPod?: (estiba.isolation.v1.StartPod.$Properties|null);

                    /** LauncherRequest runProgram */
                    runProgram?: (estiba.isolation.v1.RunProgram.$Properties|null);

                    /** LauncherRequest unpack */
                    unpack?: (estiba.isolation.v1.Unpack.$Properties|null);

                    /** LauncherRequest removeTrees */
                    removeTrees?: (estiba.isolation.v1.RemoveTrees.$Properties|null);

                    /** LauncherRequest destroyPod */
                    destroyPod?: (estiba.isolation.v1.DestroyPod.$Properties|null);

                    /** LauncherRequest compileSeccomp */
                    compileSeccomp?: (estiba.isolation.v1.CompileSeccomp.$Properties|null);

                    /** LauncherRequest labelTrees */
                    labelTrees?: (estiba.isolation.v1.LabelTrees.$Properties|null);

                    /** LauncherRequest job */
                    job?: ("ping"|"startPod"|"runProgram"|"unpack"|"removeTrees"|"destroyPod"|"compileSeccomp"|"labelTrees");

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Narrowed shape of a LauncherRequest. */
                type $Shape = {
                  version?: number|null;
                  ping?: estiba.isolation.v1.Ping.$Shape|null;
                  startPod?: estiba.isolation.v1.StartPod.$Shape|null;
                  runProgram?: estiba.isolation.v1.RunProgram.$Shape|null;
                  unpack?: estiba.isolation.v1.Unpack.$Shape|null;
                  removeTrees?: estiba.isolation.v1.RemoveTrees.$Shape|null;
                  destroyPod?: estiba.isolation.v1.DestroyPod.$Shape|null;
                  compileSeccomp?: estiba.isolation.v1.CompileSeccomp.$Shape|null;
                  labelTrees?: estiba.isolation.v1.LabelTrees.$Shape|null;
                  $unknowns?: Uint8Array[];
                } & (
                  ({ job?: undefined; ping?: null; startPod?: null; runProgram?: null; unpack?: null; removeTrees?: null; destroyPod?: null; compileSeccomp?: null; labelTrees?: null }|{ job?: "ping"; ping: estiba.isolation.v1.Ping.$Shape; startPod?: null; runProgram?: null; unpack?: null; removeTrees?: null; destroyPod?: null; compileSeccomp?: null; labelTrees?: null }|{ job?: "startPod"; ping?: null; startPod: estiba.isolation.v1.StartPod.$Shape; runProgram?: null; unpack?: null; removeTrees?: null; destroyPod?: null; compileSeccomp?: null; labelTrees?: null }|{ job?: "runProgram"; ping?: null; startPod?: null; runProgram: estiba.isolation.v1.RunProgram.$Shape; unpack?: null; removeTrees?: null; destroyPod?: null; compileSeccomp?: null; labelTrees?: null }|{ job?: "unpack"; ping?: null; startPod?: null; runProgram?: null; unpack: estiba.isolation.v1.Unpack.$Shape; removeTrees?: null; destroyPod?: null; compileSeccomp?: null; labelTrees?: null }|{ job?: "removeTrees"; ping?: null; startPod?: null; runProgram?: null; unpack?: null; removeTrees: estiba.isolation.v1.RemoveTrees.$Shape; destroyPod?: null; compileSeccomp?: null; labelTrees?: null }|{ job?: "destroyPod"; ping?: null; startPod?: null; runProgram?: null; unpack?: null; removeTrees?: null; destroyPod: estiba.isolation.v1.DestroyPod.$Shape; compileSeccomp?: null; labelTrees?: null }|{ job?: "compileSeccomp"; ping?: null; startPod?: null; runProgram?: null; unpack?: null; removeTrees?: null; destroyPod?: null; compileSeccomp: estiba.isolation.v1.CompileSeccomp.$Shape; labelTrees?: null }|{ job?: "labelTrees"; ping?: null; startPod?: null; runProgram?: null; unpack?: null; removeTrees?: null; destroyPod?: null; compileSeccomp?: null; labelTrees: estiba.isolation.v1.LabelTrees.$Shape })
                );
            }

            /**
             * Properties of a LauncherReply.
             * @deprecated Use estiba.isolation.v1.LauncherReply.$Properties instead.
             */
            interface ILauncherReply extends estiba.isolation.v1.LauncherReply.$Properties {
            }

            /** Represents a LauncherReply. */
            class LauncherReply {

                /**
                 * Constructs a new LauncherReply.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.LauncherReply.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** LauncherReply version. */
                version: number;

                /** True on the last frame of the job. */
                done: boolean;

                /** LauncherReply fault. */
                fault?: (estiba.isolation.v1.Fault.$Properties|null);

                /** LauncherReply pong. */
                pong?: (estiba.isolation.v1.Pong.$Properties|null);

                /** LauncherReply podStarted. */
                podStarted?: (estiba.isolation.v1.PodStarted.$Properties|null);

                /** LauncherReply programEnded. */
                programEnded?: (estiba.isolation.v1.ProgramEnded.$Properties|null);

                /** LauncherReply unpacked. */
                unpacked?: (estiba.isolation.v1.Unpacked.$Properties|null);

                /** LauncherReply unpackProgress. */
                unpackProgress?: (estiba.isolation.v1.UnpackProgress.$Properties|null);

                /** LauncherReply removed. */
                removed?: (estiba.isolation.v1.Done.$Properties|null);

                /** LauncherReply destroyed. */
                destroyed?: (estiba.isolation.v1.Done.$Properties|null);

                /** LauncherReply seccompFilter. */
                seccompFilter?: (estiba.isolation.v1.SeccompFilter.$Properties|null);

                /** LauncherReply labelled. */
                labelled?: (estiba.isolation.v1.Done.$Properties|null);

                /** LauncherReply result. */
                result?: ("fault"|"pong"|"podStarted"|"programEnded"|"unpacked"|"unpackProgress"|"removed"|"destroyed"|"seccompFilter"|"labelled");

                /**
                 * Encodes the specified LauncherReply message. Does not implicitly {@link estiba.isolation.v1.LauncherReply.verify|verify} messages.
                 * @param message LauncherReply message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.LauncherReply.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a LauncherReply message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.LauncherReply & estiba.isolation.v1.LauncherReply.$Shape} LauncherReply
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.LauncherReply & estiba.isolation.v1.LauncherReply.$Shape;
            }

            namespace LauncherReply {

                /** Properties of a LauncherReply. */
                interface $Properties {

                    /** LauncherReply version */
                    version?: (number|null);

                    /** True on the last frame of the job. */
                    done?: (boolean|null);

                    /** LauncherReply fault */
                    fault?: (estiba.isolation.v1.Fault.$Properties|null);

                    /** LauncherReply pong */
                    pong?: (estiba.isolation.v1.Pong.$Properties|null);

                    /** LauncherReply podStarted */
                    podStarted?: (estiba.isolation.v1.PodStarted.$Properties|null);

                    /** LauncherReply programEnded */
                    programEnded?: (estiba.isolation.v1.ProgramEnded.$Properties|null);

                    /** LauncherReply unpacked */
                    unpacked?: (estiba.isolation.v1.Unpacked.$Properties|null);

                    /** LauncherReply unpackProgress */
                    unpackProgress?: (estiba.isolation.v1.UnpackProgress.$Properties|null);

                    /** LauncherReply removed */
                    removed?: (estiba.isolation.v1.Done.$Properties|null);

                    /** LauncherReply destroyed */
                    destroyed?: (estiba.isolation.v1.Done.$Properties|null);

                    /** LauncherReply seccompFilter */
                    seccompFilter?: (estiba.isolation.v1.SeccompFilter.$Properties|null);

                    /** LauncherReply labelled */
                    labelled?: (estiba.isolation.v1.Done.$Properties|null);

                    /** LauncherReply result */
                    result?: ("fault"|"pong"|"podStarted"|"programEnded"|"unpacked"|"unpackProgress"|"removed"|"destroyed"|"seccompFilter"|"labelled");

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Narrowed shape of a LauncherReply. */
                type $Shape = {
                  version?: number|null;
                  done?: boolean|null;
                  fault?: estiba.isolation.v1.Fault.$Shape|null;
                  pong?: estiba.isolation.v1.Pong.$Shape|null;
                  podStarted?: estiba.isolation.v1.PodStarted.$Shape|null;
                  programEnded?: estiba.isolation.v1.ProgramEnded.$Shape|null;
                  unpacked?: estiba.isolation.v1.Unpacked.$Shape|null;
                  unpackProgress?: estiba.isolation.v1.UnpackProgress.$Shape|null;
                  removed?: estiba.isolation.v1.Done.$Shape|null;
                  destroyed?: estiba.isolation.v1.Done.$Shape|null;
                  seccompFilter?: estiba.isolation.v1.SeccompFilter.$Shape|null;
                  labelled?: estiba.isolation.v1.Done.$Shape|null;
                  $unknowns?: Uint8Array[];
                } & (
                  ({ result?: undefined; fault?: null; pong?: null; podStarted?: null; programEnded?: null; unpacked?: null; unpackProgress?: null; removed?: null; destroyed?: null; seccompFilter?: null; labelled?: null }|{ result?: "fault"; fault: estiba.isolation.v1.Fault.$Shape; pong?: null; podStarted?: null; programEnded?: null; unpacked?: null; unpackProgress?: null; removed?: null; destroyed?: null; seccompFilter?: null; labelled?: null }|{ result?: "pong"; fault?: null; pong: estiba.isolation.v1.Pong.$Shape; podStarted?: null; programEnded?: null; unpacked?: null; unpackProgress?: null; removed?: null; destroyed?: null; seccompFilter?: null; labelled?: null }|{ result?: "podStarted"; fault?: null; pong?: null; podStarted: estiba.isolation.v1.PodStarted.$Shape; programEnded?: null; unpacked?: null; unpackProgress?: null; removed?: null; destroyed?: null; seccompFilter?: null; labelled?: null }|{ result?: "programEnded"; fault?: null; pong?: null; podStarted?: null; programEnded: estiba.isolation.v1.ProgramEnded.$Shape; unpacked?: null; unpackProgress?: null; removed?: null; destroyed?: null; seccompFilter?: null; labelled?: null }|{ result?: "unpacked"; fault?: null; pong?: null; podStarted?: null; programEnded?: null; unpacked: estiba.isolation.v1.Unpacked.$Shape; unpackProgress?: null; removed?: null; destroyed?: null; seccompFilter?: null; labelled?: null }|{ result?: "unpackProgress"; fault?: null; pong?: null; podStarted?: null; programEnded?: null; unpacked?: null; unpackProgress: estiba.isolation.v1.UnpackProgress.$Shape; removed?: null; destroyed?: null; seccompFilter?: null; labelled?: null }|{ result?: "removed"; fault?: null; pong?: null; podStarted?: null; programEnded?: null; unpacked?: null; unpackProgress?: null; removed: estiba.isolation.v1.Done.$Shape; destroyed?: null; seccompFilter?: null; labelled?: null }|{ result?: "destroyed"; fault?: null; pong?: null; podStarted?: null; programEnded?: null; unpacked?: null; unpackProgress?: null; removed?: null; destroyed: estiba.isolation.v1.Done.$Shape; seccompFilter?: null; labelled?: null }|{ result?: "seccompFilter"; fault?: null; pong?: null; podStarted?: null; programEnded?: null; unpacked?: null; unpackProgress?: null; removed?: null; destroyed?: null; seccompFilter: estiba.isolation.v1.SeccompFilter.$Shape; labelled?: null }|{ result?: "labelled"; fault?: null; pong?: null; podStarted?: null; programEnded?: null; unpacked?: null; unpackProgress?: null; removed?: null; destroyed?: null; seccompFilter?: null; labelled: estiba.isolation.v1.Done.$Shape })
                );
            }

            /**
             * Properties of a Done.
             * @deprecated Use estiba.isolation.v1.Done.$Properties instead.
             */
            interface IDone extends estiba.isolation.v1.Done.$Properties {
            }

            /** Represents a Done. */
            class Done {

                /**
                 * Constructs a new Done.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.Done.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /**
                 * Encodes the specified Done message. Does not implicitly {@link estiba.isolation.v1.Done.verify|verify} messages.
                 * @param message Done message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.Done.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Done message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.Done & estiba.isolation.v1.Done.$Shape} Done
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.Done & estiba.isolation.v1.Done.$Shape;
            }

            namespace Done {

                /** Properties of a Done. */
                interface $Properties {

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Done. */
                type $Shape = estiba.isolation.v1.Done.$Properties;
            }

            /**
             * Properties of a Ping.
             * @deprecated Use estiba.isolation.v1.Ping.$Properties instead.
             */
            interface IPing extends estiba.isolation.v1.Ping.$Properties {
            }

            /** Represents a Ping. */
            class Ping {

                /**
                 * Constructs a new Ping.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.Ping.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Where layers are kept: asks whether pods can have user namespaces over it. "" does not ask. */
                layersDir: string;

                /**
                 * Encodes the specified Ping message. Does not implicitly {@link estiba.isolation.v1.Ping.verify|verify} messages.
                 * @param message Ping message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.Ping.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Ping message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.Ping & estiba.isolation.v1.Ping.$Shape} Ping
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.Ping & estiba.isolation.v1.Ping.$Shape;
            }

            namespace Ping {

                /** Properties of a Ping. */
                interface $Properties {

                    /** Where layers are kept: asks whether pods can have user namespaces over it. "" does not ask. */
                    layersDir?: (string|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Ping. */
                type $Shape = estiba.isolation.v1.Ping.$Properties;
            }

            /**
             * Properties of a Pong.
             * @deprecated Use estiba.isolation.v1.Pong.$Properties instead.
             */
            interface IPong extends estiba.isolation.v1.Pong.$Properties {
            }

            /** Represents a Pong. */
            class Pong {

                /**
                 * Constructs a new Pong.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.Pong.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Version of the launcher binary, as `estiba-isolator --version` prints it. */
                build: string;

                /** Pong launcherPid. */
                launcherPid: number;

                /** What the start-up probe of the kernel found. */
                features?: (estiba.isolation.v1.KernelFeatures.$Properties|null);

                /**
                 * Encodes the specified Pong message. Does not implicitly {@link estiba.isolation.v1.Pong.verify|verify} messages.
                 * @param message Pong message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.Pong.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Pong message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.Pong & estiba.isolation.v1.Pong.$Shape} Pong
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.Pong & estiba.isolation.v1.Pong.$Shape;
            }

            namespace Pong {

                /** Properties of a Pong. */
                interface $Properties {

                    /** Version of the launcher binary, as `estiba-isolator --version` prints it. */
                    build?: (string|null);

                    /** Pong launcherPid */
                    launcherPid?: (number|null);

                    /** What the start-up probe of the kernel found. */
                    features?: (estiba.isolation.v1.KernelFeatures.$Properties|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Pong. */
                type $Shape = estiba.isolation.v1.Pong.$Properties;
            }

            /**
             * Properties of a KernelFeatures.
             * @deprecated Use estiba.isolation.v1.KernelFeatures.$Properties instead.
             */
            interface IKernelFeatures extends estiba.isolation.v1.KernelFeatures.$Properties {
            }

            /** Represents a KernelFeatures. */
            class KernelFeatures {

                /**
                 * Constructs a new KernelFeatures.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.KernelFeatures.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** "v2", or "v1" for v1 and hybrid hosts. */
                cgroupVersion: string;

                /** v1: controllers mounted; v2: controllers in the root's cgroup.controllers. */
                cgroupControllers: string[];

                /** Overlay layers can be added one by one through fsconfig ("lowerdir+"). */
                overlayLowerdirAppend: boolean;

                /** A detached mount can be cloned again. */
                cloneDetachedMounts: boolean;

                /** KernelFeatures cloneIntoCgroup. */
                cloneIntoCgroup: boolean;

                /** KernelFeatures recursiveReadOnly. */
                recursiveReadOnly: boolean;

                /** Only where the ping named layers_dir: pods can have user namespaces, their layers id-mapped. */
                userNamespaces: boolean;

                /** Why not; where they work, what volumes cannot be id-mapped all the same. */
                userNamespacesProblem: string;

                /**
                 * Encodes the specified KernelFeatures message. Does not implicitly {@link estiba.isolation.v1.KernelFeatures.verify|verify} messages.
                 * @param message KernelFeatures message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.KernelFeatures.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a KernelFeatures message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.KernelFeatures & estiba.isolation.v1.KernelFeatures.$Shape} KernelFeatures
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.KernelFeatures & estiba.isolation.v1.KernelFeatures.$Shape;
            }

            namespace KernelFeatures {

                /** Properties of a KernelFeatures. */
                interface $Properties {

                    /** "v2", or "v1" for v1 and hybrid hosts. */
                    cgroupVersion?: (string|null);

                    /** v1: controllers mounted; v2: controllers in the root's cgroup.controllers. */
                    cgroupControllers?: (string[]|null);

                    /** Overlay layers can be added one by one through fsconfig ("lowerdir+"). */
                    overlayLowerdirAppend?: (boolean|null);

                    /** A detached mount can be cloned again. */
                    cloneDetachedMounts?: (boolean|null);

                    /** KernelFeatures cloneIntoCgroup */
                    cloneIntoCgroup?: (boolean|null);

                    /** KernelFeatures recursiveReadOnly */
                    recursiveReadOnly?: (boolean|null);

                    /** Only where the ping named layers_dir: pods can have user namespaces, their layers id-mapped. */
                    userNamespaces?: (boolean|null);

                    /** Why not; where they work, what volumes cannot be id-mapped all the same. */
                    userNamespacesProblem?: (string|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a KernelFeatures. */
                type $Shape = estiba.isolation.v1.KernelFeatures.$Properties;
            }

            /**
             * Properties of a StartPod.
             * @deprecated Use estiba.isolation.v1.StartPod.$Properties instead.
             */
            interface IStartPod extends estiba.isolation.v1.StartPod.$Properties {
            }

            /**
             * Starts one monitor with the pod's namespaces. The reply means: namespaces exist, loopback is up,
             * sysctls are set, the network namespace is bind-mounted at `netns_path`, the monitor listens.
             */
            class StartPod {

                /**
                 * Constructs a new StartPod.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.StartPod.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** 64 lower-case hex digits */
                podId: string;

                /**
                 * Directory of this pod, made by the monitor with mode 0700. The monitor owns everything in it:
                 * monitor.sock, state (PodStateRecord), containers/<id>/.
                 */
                podDir: string;

                /** Where to pin the network namespace (parent directory exists); "" with NODE network. */
                netnsPath: string;

                /** POD or NODE */
                network: estiba.isolation.v1.NamespaceMode;

                /** POD or NODE */
                ipc: estiba.isolation.v1.NamespaceMode;

                /** POD starts our reaping pid 1; CONTAINER and NODE start none */
                pid: estiba.isolation.v1.NamespaceMode;

                /** Host name of the pod's UTS namespace; "" with NODE network means the host's UTS namespace. */
                hostname: string;

                /** keys with dots, as CRI sends them */
                sysctls: { [k: string]: string };

                /** 0 = 64 MiB */
                shmSizeBytes: Long;

                /** Parent cgroup in cgroupfs syntax ("/kubepods/burstable/pod<uid>"), "" = "/estiba". */
                cgroupParent: string;

                /** Test and fallback switch: use the mount(2) ways even where newer calls exist. */
                legacyMounts: boolean;

                /** The pod's user namespace, which owns its other namespaces; empty = the host's. Both or none. */
                uidMappings: estiba.isolation.v1.IdMapping.$Properties[];

                /** StartPod gidMappings. */
                gidMappings: estiba.isolation.v1.IdMapping.$Properties[];

                /**
                 * SELinux label of the pod's /dev/shm; "" = none. FAILED_PRECONDITION when the host's policy does not
                 * know it.
                 */
                mountLabel: string;

                /**
                 * SELinux label of the pod's pid 1; "" = the launcher's own, which it also keeps where the policy
                 * does not let it have another. FAILED_PRECONDITION when the host's policy does not know it.
                 */
                processLabel: string;

                /**
                 * Who makes the pod's containers; absent: the helper itself. FAILED_PRECONDITION when there is no
                 * such program.
                 */
                runtime?: (estiba.isolation.v1.OciRuntime.$Properties|null);

                /**
                 * Encodes the specified StartPod message. Does not implicitly {@link estiba.isolation.v1.StartPod.verify|verify} messages.
                 * @param message StartPod message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.StartPod.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a StartPod message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.StartPod & estiba.isolation.v1.StartPod.$Shape} StartPod
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.StartPod & estiba.isolation.v1.StartPod.$Shape;
            }

            namespace StartPod {

                /** Properties of a StartPod. */
                interface $Properties {

                    /** 64 lower-case hex digits */
                    podId?: (string|null);

                    /**
                     * Directory of this pod, made by the monitor with mode 0700. The monitor owns everything in it:
                     * monitor.sock, state (PodStateRecord), containers/<id>/.
                     */
                    podDir?: (string|null);

                    /** Where to pin the network namespace (parent directory exists); "" with NODE network. */
                    netnsPath?: (string|null);

                    /** POD or NODE */
                    network?: (estiba.isolation.v1.NamespaceMode|null);

                    /** POD or NODE */
                    ipc?: (estiba.isolation.v1.NamespaceMode|null);

                    /** POD starts our reaping pid 1; CONTAINER and NODE start none */
                    pid?: (estiba.isolation.v1.NamespaceMode|null);

                    /** Host name of the pod's UTS namespace; "" with NODE network means the host's UTS namespace. */
                    hostname?: (string|null);

                    /** keys with dots, as CRI sends them */
                    sysctls?: ({ [k: string]: string }|null);

                    /** 0 = 64 MiB */
                    shmSizeBytes?: (Long|null);

                    /** Parent cgroup in cgroupfs syntax ("/kubepods/burstable/pod<uid>"), "" = "/estiba". */
                    cgroupParent?: (string|null);

                    /** Test and fallback switch: use the mount(2) ways even where newer calls exist. */
                    legacyMounts?: (boolean|null);

                    /** The pod's user namespace, which owns its other namespaces; empty = the host's. Both or none. */
                    uidMappings?: (estiba.isolation.v1.IdMapping.$Properties[]|null);

                    /** StartPod gidMappings */
                    gidMappings?: (estiba.isolation.v1.IdMapping.$Properties[]|null);

                    /**
                     * SELinux label of the pod's /dev/shm; "" = none. FAILED_PRECONDITION when the host's policy does not
                     * know it.
                     */
                    mountLabel?: (string|null);

                    /**
                     * SELinux label of the pod's pid 1; "" = the launcher's own, which it also keeps where the policy
                     * does not let it have another. FAILED_PRECONDITION when the host's policy does not know it.
                     */
                    processLabel?: (string|null);

                    /**
                     * Who makes the pod's containers; absent: the helper itself. FAILED_PRECONDITION when there is no
                     * such program.
                     */
                    runtime?: (estiba.isolation.v1.OciRuntime.$Properties|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a StartPod. */
                type $Shape = estiba.isolation.v1.StartPod.$Properties;
            }

            /**
             * Properties of an IdMapping.
             * @deprecated Use estiba.isolation.v1.IdMapping.$Properties instead.
             */
            interface IIdMapping extends estiba.isolation.v1.IdMapping.$Properties {
            }

            /** Represents an IdMapping. */
            class IdMapping {

                /**
                 * Constructs a new IdMapping.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.IdMapping.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** first id inside */
                containerId: number;

                /** first id outside */
                hostId: number;

                /** IdMapping length. */
                length: number;

                /**
                 * Encodes the specified IdMapping message. Does not implicitly {@link estiba.isolation.v1.IdMapping.verify|verify} messages.
                 * @param message IdMapping message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.IdMapping.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes an IdMapping message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.IdMapping & estiba.isolation.v1.IdMapping.$Shape} IdMapping
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.IdMapping & estiba.isolation.v1.IdMapping.$Shape;
            }

            namespace IdMapping {

                /** Properties of an IdMapping. */
                interface $Properties {

                    /** first id inside */
                    containerId?: (number|null);

                    /** first id outside */
                    hostId?: (number|null);

                    /** IdMapping length */
                    length?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of an IdMapping. */
                type $Shape = estiba.isolation.v1.IdMapping.$Properties;
            }

            /**
             * Properties of an OciRuntime.
             * @deprecated Use estiba.isolation.v1.OciRuntime.$Properties instead.
             */
            interface IOciRuntime extends estiba.isolation.v1.OciRuntime.$Properties {
            }

            /** Another OCI runtime, called as runc is. */
            class OciRuntime {

                /**
                 * Constructs a new OciRuntime.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.OciRuntime.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** absolute */
                path: string;

                /** Global arguments, before `--root`, `--log` and the command. */
                arguments: string[];

                /**
                 * Encodes the specified OciRuntime message. Does not implicitly {@link estiba.isolation.v1.OciRuntime.verify|verify} messages.
                 * @param message OciRuntime message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.OciRuntime.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes an OciRuntime message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.OciRuntime & estiba.isolation.v1.OciRuntime.$Shape} OciRuntime
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.OciRuntime & estiba.isolation.v1.OciRuntime.$Shape;
            }

            namespace OciRuntime {

                /** Properties of an OciRuntime. */
                interface $Properties {

                    /** absolute */
                    path?: (string|null);

                    /** Global arguments, before `--root`, `--log` and the command. */
                    "arguments"?: (string[]|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of an OciRuntime. */
                type $Shape = estiba.isolation.v1.OciRuntime.$Properties;
            }

            /** NamespaceMode enum. */
            enum NamespaceMode {

                /** NAMESPACE_MODE_POD value */
                NAMESPACE_MODE_POD = 0,

                /** NAMESPACE_MODE_CONTAINER value */
                NAMESPACE_MODE_CONTAINER = 1,

                /** NAMESPACE_MODE_NODE value */
                NAMESPACE_MODE_NODE = 2,

                /** NAMESPACE_MODE_TARGET value */
                NAMESPACE_MODE_TARGET = 3
            }

            /**
             * Properties of a PodStarted.
             * @deprecated Use estiba.isolation.v1.PodStarted.$Properties instead.
             */
            interface IPodStarted extends estiba.isolation.v1.PodStarted.$Properties {
            }

            /** Represents a PodStarted. */
            class PodStarted {

                /**
                 * Constructs a new PodStarted.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.PodStarted.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** PodStarted monitorPid. */
                monitorPid: number;

                /** Field 22 of /proc/<pid>/stat, so that a reused pid is recognised. */
                monitorStartTimeTicks: Long;

                /**
                 * Paths that join the pod's namespaces ("/proc/<monitor pid>/fd/<n>"), "" where the host's is used.
                 * They stand in the OCI spec's linux.namespaces[].path.
                 */
                ipcPath: string;

                /** PodStarted utsPath. */
                utsPath: string;

                /** PodStarted pidPath. */
                pidPath: string;

                /** Source of the pod's /dev/shm for the OCI spec's mounts; "" with NODE ipc (use the host's /dev/shm). */
                shmPath: string;

                /** PodStarted netnsInode. */
                netnsInode: Long;

                /** our reaping pid 1 as the host sees it; 0 when there is none */
                initPid: number;

                /** Likewise a path; "" without a user namespace. */
                userPath: string;

                /**
                 * Encodes the specified PodStarted message. Does not implicitly {@link estiba.isolation.v1.PodStarted.verify|verify} messages.
                 * @param message PodStarted message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.PodStarted.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a PodStarted message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.PodStarted & estiba.isolation.v1.PodStarted.$Shape} PodStarted
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.PodStarted & estiba.isolation.v1.PodStarted.$Shape;
            }

            namespace PodStarted {

                /** Properties of a PodStarted. */
                interface $Properties {

                    /** PodStarted monitorPid */
                    monitorPid?: (number|null);

                    /** Field 22 of /proc/<pid>/stat, so that a reused pid is recognised. */
                    monitorStartTimeTicks?: (Long|null);

                    /**
                     * Paths that join the pod's namespaces ("/proc/<monitor pid>/fd/<n>"), "" where the host's is used.
                     * They stand in the OCI spec's linux.namespaces[].path.
                     */
                    ipcPath?: (string|null);

                    /** PodStarted utsPath */
                    utsPath?: (string|null);

                    /** PodStarted pidPath */
                    pidPath?: (string|null);

                    /** Source of the pod's /dev/shm for the OCI spec's mounts; "" with NODE ipc (use the host's /dev/shm). */
                    shmPath?: (string|null);

                    /** PodStarted netnsInode */
                    netnsInode?: (Long|null);

                    /** our reaping pid 1 as the host sees it; 0 when there is none */
                    initPid?: (number|null);

                    /** Likewise a path; "" without a user namespace. */
                    userPath?: (string|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a PodStarted. */
                type $Shape = estiba.isolation.v1.PodStarted.$Properties;
            }

            /**
             * Properties of a RunProgram.
             * @deprecated Use estiba.isolation.v1.RunProgram.$Properties instead.
             */
            interface IRunProgram extends estiba.isolation.v1.RunProgram.$Properties {
            }

            /**
             * Runs a host program (CNI plugin, credential helper) in its own process group. Killed as a group
             * at the deadline or when the connection closes.
             */
            class RunProgram {

                /**
                 * Constructs a new RunProgram.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.RunProgram.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** argv[0] is an absolute path */
                argv: string[];

                /** The whole environment, each entry "NAME=value"; nothing is inherited. */
                env: string[];

                /** RunProgram stdin. */
                stdin: Uint8Array;

                /** "" = "/" */
                cwd: string;

                /** 0 = 120000 */
                deadlineMs: Long;

                /** Each of stdout and stderr is cut here; 0 = 1 MiB. */
                outputLimitBytes: Long;

                /**
                 * Encodes the specified RunProgram message. Does not implicitly {@link estiba.isolation.v1.RunProgram.verify|verify} messages.
                 * @param message RunProgram message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.RunProgram.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a RunProgram message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.RunProgram & estiba.isolation.v1.RunProgram.$Shape} RunProgram
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.RunProgram & estiba.isolation.v1.RunProgram.$Shape;
            }

            namespace RunProgram {

                /** Properties of a RunProgram. */
                interface $Properties {

                    /** argv[0] is an absolute path */
                    argv?: (string[]|null);

                    /** The whole environment, each entry "NAME=value"; nothing is inherited. */
                    env?: (string[]|null);

                    /** RunProgram stdin */
                    stdin?: (Uint8Array|null);

                    /** "" = "/" */
                    cwd?: (string|null);

                    /** 0 = 120000 */
                    deadlineMs?: (Long|null);

                    /** Each of stdout and stderr is cut here; 0 = 1 MiB. */
                    outputLimitBytes?: (Long|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a RunProgram. */
                type $Shape = estiba.isolation.v1.RunProgram.$Properties;
            }

            /**
             * Properties of a ProgramEnded.
             * @deprecated Use estiba.isolation.v1.ProgramEnded.$Properties instead.
             */
            interface IProgramEnded extends estiba.isolation.v1.ProgramEnded.$Properties {
            }

            /** Represents a ProgramEnded. */
            class ProgramEnded {

                /**
                 * Constructs a new ProgramEnded.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.ProgramEnded.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** -1 when ended by a signal */
                exitCode: number;

                /** ProgramEnded signal. */
                signal: number;

                /** ProgramEnded stdout. */
                stdout: Uint8Array;

                /** ProgramEnded stderr. */
                stderr: Uint8Array;

                /** ProgramEnded timedOut. */
                timedOut: boolean;

                /** ProgramEnded outputCut. */
                outputCut: boolean;

                /** ProgramEnded elapsedUs. */
                elapsedUs: Long;

                /**
                 * Encodes the specified ProgramEnded message. Does not implicitly {@link estiba.isolation.v1.ProgramEnded.verify|verify} messages.
                 * @param message ProgramEnded message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.ProgramEnded.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a ProgramEnded message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.ProgramEnded & estiba.isolation.v1.ProgramEnded.$Shape} ProgramEnded
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.ProgramEnded & estiba.isolation.v1.ProgramEnded.$Shape;
            }

            namespace ProgramEnded {

                /** Properties of a ProgramEnded. */
                interface $Properties {

                    /** 1 when ended by a signal */
                    exitCode?: (number|null);

                    /** ProgramEnded signal */
                    signal?: (number|null);

                    /** ProgramEnded stdout */
                    stdout?: (Uint8Array|null);

                    /** ProgramEnded stderr */
                    stderr?: (Uint8Array|null);

                    /** ProgramEnded timedOut */
                    timedOut?: (boolean|null);

                    /** ProgramEnded outputCut */
                    outputCut?: (boolean|null);

                    /** ProgramEnded elapsedUs */
                    elapsedUs?: (Long|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a ProgramEnded. */
                type $Shape = estiba.isolation.v1.ProgramEnded.$Properties;
            }

            /** Compression enum. */
            enum Compression {

                /** by magic number */
                COMPRESSION_AUTO = 0,

                /** COMPRESSION_NONE value */
                COMPRESSION_NONE = 1,

                /** COMPRESSION_GZIP value */
                COMPRESSION_GZIP = 2,

                /** COMPRESSION_ZSTD value */
                COMPRESSION_ZSTD = 3
            }

            /**
             * Properties of an Unpack.
             * @deprecated Use estiba.isolation.v1.Unpack.$Properties instead.
             */
            interface IUnpack extends estiba.isolation.v1.Unpack.$Properties {
            }

            /**
             * Unpacks one layer blob into `target_dir` in one pass: hash ∥ inflate ∥ hash ∥ untar.
             * On a fault target_dir is removed again.
             */
            class Unpack {

                /**
                 * Constructs a new Unpack.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.Unpack.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** The blob is bytes [offset, offset+length) of this file; see also `growing`. */
                sourcePath: string;

                /** Unpack offset. */
                offset: Long;

                /** 0 = to the end of the file */
                length: Long;

                /** Unpack compression. */
                compression: estiba.isolation.v1.Compression;

                /** "sha256:<hex>" each; "" = do not check. A mismatch is INVALID_ARGUMENT naming both digests. */
                expectedDigest: string;

                /** of the uncompressed tar */
                expectedDiffId: string;

                /**
                 * Must not exist; its parent must, on the file system that will serve as overlay lower layer.
                 * Whiteouts become overlay whiteouts (char device 0:0) and trusted.overlay.opaque.
                 */
                targetDir: string;

                /**
                 * Lower layers (topmost first) to unpack against when the layer is not self-contained. Empty: the
                 * layer is unpacked alone and Unpacked.self_contained tells whether that was right.
                 */
                parentDirs: string[];

                /** sum of file sizes; 0 = 64 GiB */
                maxBytes: Long;

                /** 0 = 4 million */
                maxEntries: Long;

                /** 0 = one hour */
                deadlineMs: Long;

                /** syncfs of the target's file system before answering; its failure is the job's failure. */
                sync: boolean;

                /**
                 * The file at source_path is still being written, from its start: UnpackGrown frames on the
                 * connection tell how much of it is the blob's by now. `offset` and `length` must be 0.
                 */
                growing: boolean;

                /**
                 * Give up at the first entry that shows that the layer is not self-contained, and answer with
                 * `Unpacked.stopped`: the caller will unpack it against its parents. Only without parent_dirs.
                 */
                stopUnlessSelfContained: boolean;

                /**
                 * SELinux label of all files of the layer; "" = what the host's policy says. FAILED_PRECONDITION
                 * when it does not know it.
                 */
                fileLabel: string;

                /**
                 * Encodes the specified Unpack message. Does not implicitly {@link estiba.isolation.v1.Unpack.verify|verify} messages.
                 * @param message Unpack message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.Unpack.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes an Unpack message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.Unpack & estiba.isolation.v1.Unpack.$Shape} Unpack
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.Unpack & estiba.isolation.v1.Unpack.$Shape;
            }

            namespace Unpack {

                /** Properties of an Unpack. */
                interface $Properties {

                    /** The blob is bytes [offset, offset+length) of this file; see also `growing`. */
                    sourcePath?: (string|null);

                    /** Unpack offset */
                    offset?: (Long|null);

                    /** 0 = to the end of the file */
                    length?: (Long|null);

                    /** Unpack compression */
                    compression?: (estiba.isolation.v1.Compression|null);

                    /** "sha256:<hex>" each; "" = do not check. A mismatch is INVALID_ARGUMENT naming both digests. */
                    expectedDigest?: (string|null);

                    /** of the uncompressed tar */
                    expectedDiffId?: (string|null);

                    /**
                     * Must not exist; its parent must, on the file system that will serve as overlay lower layer.
                     * Whiteouts become overlay whiteouts (char device 0:0) and trusted.overlay.opaque.
                     */
                    targetDir?: (string|null);

                    /**
                     * Lower layers (topmost first) to unpack against when the layer is not self-contained. Empty: the
                     * layer is unpacked alone and Unpacked.self_contained tells whether that was right.
                     */
                    parentDirs?: (string[]|null);

                    /** sum of file sizes; 0 = 64 GiB */
                    maxBytes?: (Long|null);

                    /** 0 = 4 million */
                    maxEntries?: (Long|null);

                    /** 0 = one hour */
                    deadlineMs?: (Long|null);

                    /** syncfs of the target's file system before answering; its failure is the job's failure. */
                    sync?: (boolean|null);

                    /**
                     * The file at source_path is still being written, from its start: UnpackGrown frames on the
                     * connection tell how much of it is the blob's by now. `offset` and `length` must be 0.
                     */
                    growing?: (boolean|null);

                    /**
                     * Give up at the first entry that shows that the layer is not self-contained, and answer with
                     * `Unpacked.stopped`: the caller will unpack it against its parents. Only without parent_dirs.
                     */
                    stopUnlessSelfContained?: (boolean|null);

                    /**
                     * SELinux label of all files of the layer; "" = what the host's policy says. FAILED_PRECONDITION
                     * when it does not know it.
                     */
                    fileLabel?: (string|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of an Unpack. */
                type $Shape = estiba.isolation.v1.Unpack.$Properties;
            }

            /**
             * Properties of an UnpackGrown.
             * @deprecated Use estiba.isolation.v1.UnpackGrown.$Properties instead.
             */
            interface IUnpackGrown extends estiba.isolation.v1.UnpackGrown.$Properties {
            }

            /** How far a growing file may be read. */
            class UnpackGrown {

                /**
                 * Constructs a new UnpackGrown.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.UnpackGrown.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Bytes from the start of the file; never fewer than before. */
                bytes: Long;

                /** The blob ends there. */
                last: boolean;

                /**
                 * Encodes the specified UnpackGrown message. Does not implicitly {@link estiba.isolation.v1.UnpackGrown.verify|verify} messages.
                 * @param message UnpackGrown message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.UnpackGrown.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes an UnpackGrown message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.UnpackGrown & estiba.isolation.v1.UnpackGrown.$Shape} UnpackGrown
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.UnpackGrown & estiba.isolation.v1.UnpackGrown.$Shape;
            }

            namespace UnpackGrown {

                /** Properties of an UnpackGrown. */
                interface $Properties {

                    /** Bytes from the start of the file; never fewer than before. */
                    bytes?: (Long|null);

                    /** The blob ends there. */
                    last?: (boolean|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of an UnpackGrown. */
                type $Shape = estiba.isolation.v1.UnpackGrown.$Properties;
            }

            /**
             * Properties of an UnpackProgress.
             * @deprecated Use estiba.isolation.v1.UnpackProgress.$Properties instead.
             */
            interface IUnpackProgress extends estiba.isolation.v1.UnpackProgress.$Properties {
            }

            /** Represents an UnpackProgress. */
            class UnpackProgress {

                /**
                 * Constructs a new UnpackProgress.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.UnpackProgress.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** UnpackProgress blobBytes. */
                blobBytes: Long;

                /** UnpackProgress entries. */
                entries: Long;

                /**
                 * Encodes the specified UnpackProgress message. Does not implicitly {@link estiba.isolation.v1.UnpackProgress.verify|verify} messages.
                 * @param message UnpackProgress message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.UnpackProgress.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes an UnpackProgress message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.UnpackProgress & estiba.isolation.v1.UnpackProgress.$Shape} UnpackProgress
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.UnpackProgress & estiba.isolation.v1.UnpackProgress.$Shape;
            }

            namespace UnpackProgress {

                /** Properties of an UnpackProgress. */
                interface $Properties {

                    /** UnpackProgress blobBytes */
                    blobBytes?: (Long|null);

                    /** UnpackProgress entries */
                    entries?: (Long|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of an UnpackProgress. */
                type $Shape = estiba.isolation.v1.UnpackProgress.$Properties;
            }

            /**
             * Properties of an Unpacked.
             * @deprecated Use estiba.isolation.v1.Unpacked.$Properties instead.
             */
            interface IUnpacked extends estiba.isolation.v1.Unpacked.$Properties {
            }

            /** Represents an Unpacked. */
            class Unpacked {

                /**
                 * Constructs a new Unpacked.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.Unpacked.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Unpacked digest. */
                digest: string;

                /** Unpacked diffId. */
                diffId: string;

                /** Unpacked blobBytes. */
                blobBytes: Long;

                /** what the files occupy (st_blocks * 512 summed), directories included */
                unpackedBytes: Long;

                /** Unpacked inodes. */
                inodes: Long;

                /** Every parent directory and hard-link target of the layer's entries is an entry of the layer. */
                selfContained: boolean;

                /** First entry that needed something from below; with `incomplete` the first that was left out. */
                notSelfContainedBecause: string;

                /**
                 * Entries had to be left out: hard links to files that are not in the layer. Never with parents,
                 * where a missing target is a fault. Such a tree must not be used, not even as the lowest layer.
                 */
                incomplete: boolean;

                /**
                 * The job ended as `stop_unless_self_contained` says: target_dir is gone again and nothing was
                 * checked; only not_self_contained_because is set.
                 */
                stopped: boolean;

                /**
                 * Encodes the specified Unpacked message. Does not implicitly {@link estiba.isolation.v1.Unpacked.verify|verify} messages.
                 * @param message Unpacked message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.Unpacked.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes an Unpacked message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.Unpacked & estiba.isolation.v1.Unpacked.$Shape} Unpacked
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.Unpacked & estiba.isolation.v1.Unpacked.$Shape;
            }

            namespace Unpacked {

                /** Properties of an Unpacked. */
                interface $Properties {

                    /** Unpacked digest */
                    digest?: (string|null);

                    /** Unpacked diffId */
                    diffId?: (string|null);

                    /** Unpacked blobBytes */
                    blobBytes?: (Long|null);

                    /** what the files occupy (st_blocks * 512 summed), directories included */
                    unpackedBytes?: (Long|null);

                    /** Unpacked inodes */
                    inodes?: (Long|null);

                    /** Every parent directory and hard-link target of the layer's entries is an entry of the layer. */
                    selfContained?: (boolean|null);

                    /** First entry that needed something from below; with `incomplete` the first that was left out. */
                    notSelfContainedBecause?: (string|null);

                    /**
                     * Entries had to be left out: hard links to files that are not in the layer. Never with parents,
                     * where a missing target is a fault. Such a tree must not be used, not even as the lowest layer.
                     */
                    incomplete?: (boolean|null);

                    /**
                     * The job ended as `stop_unless_self_contained` says: target_dir is gone again and nothing was
                     * checked; only not_self_contained_because is set.
                     */
                    stopped?: (boolean|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of an Unpacked. */
                type $Shape = estiba.isolation.v1.Unpacked.$Properties;
            }

            /**
             * Properties of a RemoveTrees.
             * @deprecated Use estiba.isolation.v1.RemoveTrees.$Properties instead.
             */
            interface IRemoveTrees extends estiba.isolation.v1.RemoveTrees.$Properties {
            }

            /**
             * Removes directory trees without following symlinks and without crossing a mount. A path that
             * does not exist is fine.
             */
            class RemoveTrees {

                /**
                 * Constructs a new RemoveTrees.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.RemoveTrees.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** RemoveTrees paths. */
                paths: string[];

                /**
                 * Encodes the specified RemoveTrees message. Does not implicitly {@link estiba.isolation.v1.RemoveTrees.verify|verify} messages.
                 * @param message RemoveTrees message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.RemoveTrees.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a RemoveTrees message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.RemoveTrees & estiba.isolation.v1.RemoveTrees.$Shape} RemoveTrees
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.RemoveTrees & estiba.isolation.v1.RemoveTrees.$Shape;
            }

            namespace RemoveTrees {

                /** Properties of a RemoveTrees. */
                interface $Properties {

                    /** RemoveTrees paths */
                    paths?: (string[]|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a RemoveTrees. */
                type $Shape = estiba.isolation.v1.RemoveTrees.$Properties;
            }

            /**
             * Properties of a LabelTrees.
             * @deprecated Use estiba.isolation.v1.LabelTrees.$Properties instead.
             */
            interface ILabelTrees extends estiba.isolation.v1.LabelTrees.$Properties {
            }

            /**
             * Gives files of our own SELinux labels. FAILED_PRECONDITION when the host's policy does not know one,
             * or there is no SELinux. A tree fails alone: the others get theirs.
             */
            class LabelTrees {

                /**
                 * Constructs a new LabelTrees.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.LabelTrees.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** LabelTrees trees. */
                trees: estiba.isolation.v1.LabelTree.$Properties[];

                /**
                 * Encodes the specified LabelTrees message. Does not implicitly {@link estiba.isolation.v1.LabelTrees.verify|verify} messages.
                 * @param message LabelTrees message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.LabelTrees.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a LabelTrees message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.LabelTrees & estiba.isolation.v1.LabelTrees.$Shape} LabelTrees
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.LabelTrees & estiba.isolation.v1.LabelTrees.$Shape;
            }

            namespace LabelTrees {

                /** Properties of a LabelTrees. */
                interface $Properties {

                    /** LabelTrees trees */
                    trees?: (estiba.isolation.v1.LabelTree.$Properties[]|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a LabelTrees. */
                type $Shape = estiba.isolation.v1.LabelTrees.$Properties;
            }

            /**
             * Properties of a LabelTree.
             * @deprecated Use estiba.isolation.v1.LabelTree.$Properties instead.
             */
            interface ILabelTree extends estiba.isolation.v1.LabelTree.$Properties {
            }

            /** Represents a LabelTree. */
            class LabelTree {

                /**
                 * Constructs a new LabelTree.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.LabelTree.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** absolute; one that does not exist is fine */
                path: string;

                /** LabelTree label. */
                label: string;

                /**
                 * The file or directory itself, nothing that is in it. Else all that is in it and on the same file
                 * system, without following links, unless it has the label already: it gets it last.
                 */
                shallow: boolean;

                /**
                 * Encodes the specified LabelTree message. Does not implicitly {@link estiba.isolation.v1.LabelTree.verify|verify} messages.
                 * @param message LabelTree message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.LabelTree.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a LabelTree message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.LabelTree & estiba.isolation.v1.LabelTree.$Shape} LabelTree
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.LabelTree & estiba.isolation.v1.LabelTree.$Shape;
            }

            namespace LabelTree {

                /** Properties of a LabelTree. */
                interface $Properties {

                    /** absolute; one that does not exist is fine */
                    path?: (string|null);

                    /** LabelTree label */
                    label?: (string|null);

                    /**
                     * The file or directory itself, nothing that is in it. Else all that is in it and on the same file
                     * system, without following links, unless it has the label already: it gets it last.
                     */
                    shallow?: (boolean|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a LabelTree. */
                type $Shape = estiba.isolation.v1.LabelTree.$Properties;
            }

            /**
             * Properties of a DestroyPod.
             * @deprecated Use estiba.isolation.v1.DestroyPod.$Properties instead.
             */
            interface IDestroyPod extends estiba.isolation.v1.DestroyPod.$Properties {
            }

            /**
             * Ends a pod whose monitor is gone: kills every process in the cgroups listed in the pod's state
             * record, waits for them, removes the cgroups, unpins the network namespace, removes `pod_dir` when
             * `remove_dir` is set. Idempotent.
             */
            class DestroyPod {

                /**
                 * Constructs a new DestroyPod.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.DestroyPod.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** DestroyPod podDir. */
                podDir: string;

                /** DestroyPod netnsPath. */
                netnsPath: string;

                /** DestroyPod removeDir. */
                removeDir: boolean;

                /** Cgroups that serve knows of, in case the record is unreadable. */
                cgroups: string[];

                /**
                 * Encodes the specified DestroyPod message. Does not implicitly {@link estiba.isolation.v1.DestroyPod.verify|verify} messages.
                 * @param message DestroyPod message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.DestroyPod.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a DestroyPod message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.DestroyPod & estiba.isolation.v1.DestroyPod.$Shape} DestroyPod
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.DestroyPod & estiba.isolation.v1.DestroyPod.$Shape;
            }

            namespace DestroyPod {

                /** Properties of a DestroyPod. */
                interface $Properties {

                    /** DestroyPod podDir */
                    podDir?: (string|null);

                    /** DestroyPod netnsPath */
                    netnsPath?: (string|null);

                    /** DestroyPod removeDir */
                    removeDir?: (boolean|null);

                    /** Cgroups that serve knows of, in case the record is unreadable. */
                    cgroups?: (string[]|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a DestroyPod. */
                type $Shape = estiba.isolation.v1.DestroyPod.$Properties;
            }

            /**
             * Properties of a CompileSeccomp.
             * @deprecated Use estiba.isolation.v1.CompileSeccomp.$Properties instead.
             */
            interface ICompileSeccomp extends estiba.isolation.v1.CompileSeccomp.$Properties {
            }

            /** Compiles a seccomp profile. What cannot be had in it is INVALID_ARGUMENT, by name. */
            class CompileSeccomp {

                /**
                 * Constructs a new CompileSeccomp.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.CompileSeccomp.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** the JSON text of an OCI spec's linux.seccomp */
                profileJson: Uint8Array;

                /**
                 * Encodes the specified CompileSeccomp message. Does not implicitly {@link estiba.isolation.v1.CompileSeccomp.verify|verify} messages.
                 * @param message CompileSeccomp message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.CompileSeccomp.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a CompileSeccomp message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.CompileSeccomp & estiba.isolation.v1.CompileSeccomp.$Shape} CompileSeccomp
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.CompileSeccomp & estiba.isolation.v1.CompileSeccomp.$Shape;
            }

            namespace CompileSeccomp {

                /** Properties of a CompileSeccomp. */
                interface $Properties {

                    /** the JSON text of an OCI spec's linux.seccomp */
                    profileJson?: (Uint8Array|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a CompileSeccomp. */
                type $Shape = estiba.isolation.v1.CompileSeccomp.$Properties;
            }

            /**
             * Properties of a MonitorRequest.
             * @deprecated Use estiba.isolation.v1.MonitorRequest.$Properties instead.
             */
            interface IMonitorRequest extends estiba.isolation.v1.MonitorRequest.$Properties {
            }

            /** Represents a MonitorRequest. */
            class MonitorRequest {

                /**
                 * Constructs a new MonitorRequest.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.MonitorRequest.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** MonitorRequest version. */
                version: number;

                /** > 0 */
                id: Long;

                /** MonitorRequest subscribe. */
                subscribe?: (estiba.isolation.v1.Subscribe.$Properties|null);

                /** MonitorRequest getPod. */
                getPod?: (estiba.isolation.v1.GetPod.$Properties|null);

                /** MonitorRequest createContainer. */
                createContainer?: (estiba.isolation.v1.CreateContainer.$Properties|null);

                /** MonitorRequest startContainer. */
                startContainer?: (estiba.isolation.v1.StartContainer.$Properties|null);

                /** MonitorRequest stopContainer. */
                stopContainer?: (estiba.isolation.v1.StopContainer.$Properties|null);

                /** MonitorRequest removeContainer. */
                removeContainer?: (estiba.isolation.v1.RemoveContainer.$Properties|null);

                /** MonitorRequest execSync. */
                execSync?: (estiba.isolation.v1.ExecSync.$Properties|null);

                /** MonitorRequest reopenLog. */
                reopenLog?: (estiba.isolation.v1.ReopenLog.$Properties|null);

                /** MonitorRequest stopPod. */
                stopPod?: (estiba.isolation.v1.StopPod.$Properties|null);

                /** MonitorRequest releasePod. */
                releasePod?: (estiba.isolation.v1.ReleasePod.$Properties|null);

                /** MonitorRequest cancel. */
                cancel?: (estiba.isolation.v1.CancelRequest.$Properties|null);

                /** MonitorRequest updateContainer. */
                updateContainer?: (estiba.isolation.v1.UpdateContainer.$Properties|null);

                /** MonitorRequest call. */
                call?: ("subscribe"|"getPod"|"createContainer"|"startContainer"|"stopContainer"|"removeContainer"|"execSync"|"reopenLog"|"stopPod"|"releasePod"|"cancel"|"updateContainer");

                /**
                 * Encodes the specified MonitorRequest message. Does not implicitly {@link estiba.isolation.v1.MonitorRequest.verify|verify} messages.
                 * @param message MonitorRequest message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.MonitorRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a MonitorRequest message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.MonitorRequest & estiba.isolation.v1.MonitorRequest.$Shape} MonitorRequest
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.MonitorRequest & estiba.isolation.v1.MonitorRequest.$Shape;
            }

            namespace MonitorRequest {

                /** Properties of a MonitorRequest. */
                interface $Properties {

                    /** MonitorRequest version */
                    version?: (number|null);

                    /** > 0 */
                    id?: (Long|null);

                    /** MonitorRequest subscribe */
                    subscribe?: (estiba.isolation.v1.Subscribe.$Properties|null);

                    /** MonitorRequest getPod */
                    getPod?: (estiba.isolation.v1.GetPod.$Properties|null);

                    /** MonitorRequest createContainer */
                    createContainer?: (estiba.isolation.v1.CreateContainer.$Properties|null);

                    /** MonitorRequest startContainer */
                    startContainer?: (estiba.isolation.v1.StartContainer.$Properties|null);

                    /** MonitorRequest stopContainer */
                    stopContainer?: (estiba.isolation.v1.StopContainer.$Properties|null);

                    /** MonitorRequest removeContainer */
                    removeContainer?: (estiba.isolation.v1.RemoveContainer.$Properties|null);

                    /** MonitorRequest execSync */
                    execSync?: (estiba.isolation.v1.ExecSync.$Properties|null);

                    /** MonitorRequest reopenLog */
                    reopenLog?: (estiba.isolation.v1.ReopenLog.$Properties|null);

                    /** MonitorRequest stopPod */
                    stopPod?: (estiba.isolation.v1.StopPod.$Properties|null);

                    /** MonitorRequest releasePod */
                    releasePod?: (estiba.isolation.v1.ReleasePod.$Properties|null);

                    /** MonitorRequest cancel */
                    cancel?: (estiba.isolation.v1.CancelRequest.$Properties|null);

                    /** MonitorRequest updateContainer */
                    updateContainer?: (estiba.isolation.v1.UpdateContainer.$Properties|null);

                    /** MonitorRequest call */
                    call?: ("subscribe"|"getPod"|"createContainer"|"startContainer"|"stopContainer"|"removeContainer"|"execSync"|"reopenLog"|"stopPod"|"releasePod"|"cancel"|"updateContainer");

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Narrowed shape of a MonitorRequest. */
                type $Shape = {
                  version?: number|null;
                  id?: Long|null;
                  subscribe?: estiba.isolation.v1.Subscribe.$Shape|null;
                  getPod?: estiba.isolation.v1.GetPod.$Shape|null;
                  createContainer?: estiba.isolation.v1.CreateContainer.$Shape|null;
                  startContainer?: estiba.isolation.v1.StartContainer.$Shape|null;
                  stopContainer?: estiba.isolation.v1.StopContainer.$Shape|null;
                  removeContainer?: estiba.isolation.v1.RemoveContainer.$Shape|null;
                  execSync?: estiba.isolation.v1.ExecSync.$Shape|null;
                  reopenLog?: estiba.isolation.v1.ReopenLog.$Shape|null;
                  stopPod?: estiba.isolation.v1.StopPod.$Shape|null;
                  releasePod?: estiba.isolation.v1.ReleasePod.$Shape|null;
                  cancel?: estiba.isolation.v1.CancelRequest.$Shape|null;
                  updateContainer?: estiba.isolation.v1.UpdateContainer.$Shape|null;
                  $unknowns?: Uint8Array[];
                } & (
                  ({ call?: undefined; subscribe?: null; getPod?: null; createContainer?: null; startContainer?: null; stopContainer?: null; removeContainer?: null; execSync?: null; reopenLog?: null; stopPod?: null; releasePod?: null; cancel?: null; updateContainer?: null }|{ call?: "subscribe"; subscribe: estiba.isolation.v1.Subscribe.$Shape; getPod?: null; createContainer?: null; startContainer?: null; stopContainer?: null; removeContainer?: null; execSync?: null; reopenLog?: null; stopPod?: null; releasePod?: null; cancel?: null; updateContainer?: null }|{ call?: "getPod"; subscribe?: null; getPod: estiba.isolation.v1.GetPod.$Shape; createContainer?: null; startContainer?: null; stopContainer?: null; removeContainer?: null; execSync?: null; reopenLog?: null; stopPod?: null; releasePod?: null; cancel?: null; updateContainer?: null }|{ call?: "createContainer"; subscribe?: null; getPod?: null; createContainer: estiba.isolation.v1.CreateContainer.$Shape; startContainer?: null; stopContainer?: null; removeContainer?: null; execSync?: null; reopenLog?: null; stopPod?: null; releasePod?: null; cancel?: null; updateContainer?: null }|{ call?: "startContainer"; subscribe?: null; getPod?: null; createContainer?: null; startContainer: estiba.isolation.v1.StartContainer.$Shape; stopContainer?: null; removeContainer?: null; execSync?: null; reopenLog?: null; stopPod?: null; releasePod?: null; cancel?: null; updateContainer?: null }|{ call?: "stopContainer"; subscribe?: null; getPod?: null; createContainer?: null; startContainer?: null; stopContainer: estiba.isolation.v1.StopContainer.$Shape; removeContainer?: null; execSync?: null; reopenLog?: null; stopPod?: null; releasePod?: null; cancel?: null; updateContainer?: null }|{ call?: "removeContainer"; subscribe?: null; getPod?: null; createContainer?: null; startContainer?: null; stopContainer?: null; removeContainer: estiba.isolation.v1.RemoveContainer.$Shape; execSync?: null; reopenLog?: null; stopPod?: null; releasePod?: null; cancel?: null; updateContainer?: null }|{ call?: "execSync"; subscribe?: null; getPod?: null; createContainer?: null; startContainer?: null; stopContainer?: null; removeContainer?: null; execSync: estiba.isolation.v1.ExecSync.$Shape; reopenLog?: null; stopPod?: null; releasePod?: null; cancel?: null; updateContainer?: null }|{ call?: "reopenLog"; subscribe?: null; getPod?: null; createContainer?: null; startContainer?: null; stopContainer?: null; removeContainer?: null; execSync?: null; reopenLog: estiba.isolation.v1.ReopenLog.$Shape; stopPod?: null; releasePod?: null; cancel?: null; updateContainer?: null }|{ call?: "stopPod"; subscribe?: null; getPod?: null; createContainer?: null; startContainer?: null; stopContainer?: null; removeContainer?: null; execSync?: null; reopenLog?: null; stopPod: estiba.isolation.v1.StopPod.$Shape; releasePod?: null; cancel?: null; updateContainer?: null }|{ call?: "releasePod"; subscribe?: null; getPod?: null; createContainer?: null; startContainer?: null; stopContainer?: null; removeContainer?: null; execSync?: null; reopenLog?: null; stopPod?: null; releasePod: estiba.isolation.v1.ReleasePod.$Shape; cancel?: null; updateContainer?: null }|{ call?: "cancel"; subscribe?: null; getPod?: null; createContainer?: null; startContainer?: null; stopContainer?: null; removeContainer?: null; execSync?: null; reopenLog?: null; stopPod?: null; releasePod?: null; cancel: estiba.isolation.v1.CancelRequest.$Shape; updateContainer?: null }|{ call?: "updateContainer"; subscribe?: null; getPod?: null; createContainer?: null; startContainer?: null; stopContainer?: null; removeContainer?: null; execSync?: null; reopenLog?: null; stopPod?: null; releasePod?: null; cancel?: null; updateContainer: estiba.isolation.v1.UpdateContainer.$Shape })
                );
            }

            /**
             * Properties of a MonitorReply.
             * @deprecated Use estiba.isolation.v1.MonitorReply.$Properties instead.
             */
            interface IMonitorReply extends estiba.isolation.v1.MonitorReply.$Properties {
            }

            /** Represents a MonitorReply. */
            class MonitorReply {

                /**
                 * Constructs a new MonitorReply.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.MonitorReply.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** MonitorReply version. */
                version: number;

                /** MonitorReply id. */
                id: Long;

                /** MonitorReply done. */
                done: boolean;

                /** MonitorReply fault. */
                fault?: (estiba.isolation.v1.Fault.$Properties|null);

                /** MonitorReply pod. */
                pod?: (estiba.isolation.v1.PodState.$Properties|null);

                /** MonitorReply containerCreated. */
                containerCreated?: (estiba.isolation.v1.ContainerCreated.$Properties|null);

                /** MonitorReply containerStarted. */
                containerStarted?: (estiba.isolation.v1.ContainerStarted.$Properties|null);

                /** MonitorReply containerStopped. */
                containerStopped?: (estiba.isolation.v1.ContainerState.$Properties|null);

                /** MonitorReply removed. */
                removed?: (estiba.isolation.v1.Done.$Properties|null);

                /** MonitorReply execOutput. */
                execOutput?: (estiba.isolation.v1.ExecOutput.$Properties|null);

                /** MonitorReply execEnded. */
                execEnded?: (estiba.isolation.v1.ExecEnded.$Properties|null);

                /** MonitorReply reopened. */
                reopened?: (estiba.isolation.v1.Done.$Properties|null);

                /** MonitorReply subscribed. */
                subscribed?: (estiba.isolation.v1.Done.$Properties|null);

                /** MonitorReply podStopped. */
                podStopped?: (estiba.isolation.v1.Done.$Properties|null);

                /** MonitorReply podReleased. */
                podReleased?: (estiba.isolation.v1.Done.$Properties|null);

                /** MonitorReply canceled. */
                canceled?: (estiba.isolation.v1.Done.$Properties|null);

                /** MonitorReply updated. */
                updated?: (estiba.isolation.v1.Done.$Properties|null);

                /** Events, id 0. */
                containerExited?: (estiba.isolation.v1.ContainerState.$Properties|null);

                /** MonitorReply podInitDied. */
                podInitDied?: (estiba.isolation.v1.PodInitDied.$Properties|null);

                /** MonitorReply containerOomKilled. */
                containerOomKilled?: (estiba.isolation.v1.ContainerOomKilled.$Properties|null);

                /** MonitorReply result. */
                result?: ("fault"|"pod"|"containerCreated"|"containerStarted"|"containerStopped"|"removed"|"execOutput"|"execEnded"|"reopened"|"subscribed"|"podStopped"|"podReleased"|"canceled"|"updated"|"containerExited"|"podInitDied"|"containerOomKilled");

                /**
                 * Encodes the specified MonitorReply message. Does not implicitly {@link estiba.isolation.v1.MonitorReply.verify|verify} messages.
                 * @param message MonitorReply message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.MonitorReply.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a MonitorReply message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.MonitorReply & estiba.isolation.v1.MonitorReply.$Shape} MonitorReply
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.MonitorReply & estiba.isolation.v1.MonitorReply.$Shape;
            }

            namespace MonitorReply {

                /** Properties of a MonitorReply. */
                interface $Properties {

                    /** MonitorReply version */
                    version?: (number|null);

                    /** MonitorReply id */
                    id?: (Long|null);

                    /** MonitorReply done */
                    done?: (boolean|null);

                    /** MonitorReply fault */
                    fault?: (estiba.isolation.v1.Fault.$Properties|null);

                    /** MonitorReply pod */
                    pod?: (estiba.isolation.v1.PodState.$Properties|null);

                    /** MonitorReply containerCreated */
                    containerCreated?: (estiba.isolation.v1.ContainerCreated.$Properties|null);

                    /** MonitorReply containerStarted */
                    containerStarted?: (estiba.isolation.v1.ContainerStarted.$Properties|null);

                    /** MonitorReply containerStopped */
                    containerStopped?: (estiba.isolation.v1.ContainerState.$Properties|null);

                    /** MonitorReply removed */
                    removed?: (estiba.isolation.v1.Done.$Properties|null);

                    /** MonitorReply execOutput */
                    execOutput?: (estiba.isolation.v1.ExecOutput.$Properties|null);

                    /** MonitorReply execEnded */
                    execEnded?: (estiba.isolation.v1.ExecEnded.$Properties|null);

                    /** MonitorReply reopened */
                    reopened?: (estiba.isolation.v1.Done.$Properties|null);

                    /** MonitorReply subscribed */
                    subscribed?: (estiba.isolation.v1.Done.$Properties|null);

                    /** MonitorReply podStopped */
                    podStopped?: (estiba.isolation.v1.Done.$Properties|null);

                    /** MonitorReply podReleased */
                    podReleased?: (estiba.isolation.v1.Done.$Properties|null);

                    /** MonitorReply canceled */
                    canceled?: (estiba.isolation.v1.Done.$Properties|null);

                    /** MonitorReply updated */
                    updated?: (estiba.isolation.v1.Done.$Properties|null);

                    /** Events, id 0. */
                    containerExited?: (estiba.isolation.v1.ContainerState.$Properties|null);

                    /** MonitorReply podInitDied */
                    podInitDied?: (estiba.isolation.v1.PodInitDied.$Properties|null);

                    /** MonitorReply containerOomKilled */
                    containerOomKilled?: (estiba.isolation.v1.ContainerOomKilled.$Properties|null);

                    /** MonitorReply result */
                    result?: ("fault"|"pod"|"containerCreated"|"containerStarted"|"containerStopped"|"removed"|"execOutput"|"execEnded"|"reopened"|"subscribed"|"podStopped"|"podReleased"|"canceled"|"updated"|"containerExited"|"podInitDied"|"containerOomKilled");

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Narrowed shape of a MonitorReply. */
                type $Shape = {
                  version?: number|null;
                  id?: Long|null;
                  done?: boolean|null;
                  fault?: estiba.isolation.v1.Fault.$Shape|null;
                  pod?: estiba.isolation.v1.PodState.$Shape|null;
                  containerCreated?: estiba.isolation.v1.ContainerCreated.$Shape|null;
                  containerStarted?: estiba.isolation.v1.ContainerStarted.$Shape|null;
                  containerStopped?: estiba.isolation.v1.ContainerState.$Shape|null;
                  removed?: estiba.isolation.v1.Done.$Shape|null;
                  execOutput?: estiba.isolation.v1.ExecOutput.$Shape|null;
                  execEnded?: estiba.isolation.v1.ExecEnded.$Shape|null;
                  reopened?: estiba.isolation.v1.Done.$Shape|null;
                  subscribed?: estiba.isolation.v1.Done.$Shape|null;
                  podStopped?: estiba.isolation.v1.Done.$Shape|null;
                  podReleased?: estiba.isolation.v1.Done.$Shape|null;
                  canceled?: estiba.isolation.v1.Done.$Shape|null;
                  updated?: estiba.isolation.v1.Done.$Shape|null;
                  containerExited?: estiba.isolation.v1.ContainerState.$Shape|null;
                  podInitDied?: estiba.isolation.v1.PodInitDied.$Shape|null;
                  containerOomKilled?: estiba.isolation.v1.ContainerOomKilled.$Shape|null;
                  $unknowns?: Uint8Array[];
                } & (
                  ({ result?: undefined; fault?: null; pod?: null; containerCreated?: null; containerStarted?: null; containerStopped?: null; removed?: null; execOutput?: null; execEnded?: null; reopened?: null; subscribed?: null; podStopped?: null; podReleased?: null; canceled?: null; updated?: null; containerExited?: null; podInitDied?: null; containerOomKilled?: null }|{ result?: "fault"; fault: estiba.isolation.v1.Fault.$Shape; pod?: null; containerCreated?: null; containerStarted?: null; containerStopped?: null; removed?: null; execOutput?: null; execEnded?: null; reopened?: null; subscribed?: null; podStopped?: null; podReleased?: null; canceled?: null; updated?: null; containerExited?: null; podInitDied?: null; containerOomKilled?: null }|{ result?: "pod"; fault?: null; pod: estiba.isolation.v1.PodState.$Shape; containerCreated?: null; containerStarted?: null; containerStopped?: null; removed?: null; execOutput?: null; execEnded?: null; reopened?: null; subscribed?: null; podStopped?: null; podReleased?: null; canceled?: null; updated?: null; containerExited?: null; podInitDied?: null; containerOomKilled?: null }|{ result?: "containerCreated"; fault?: null; pod?: null; containerCreated: estiba.isolation.v1.ContainerCreated.$Shape; containerStarted?: null; containerStopped?: null; removed?: null; execOutput?: null; execEnded?: null; reopened?: null; subscribed?: null; podStopped?: null; podReleased?: null; canceled?: null; updated?: null; containerExited?: null; podInitDied?: null; containerOomKilled?: null }|{ result?: "containerStarted"; fault?: null; pod?: null; containerCreated?: null; containerStarted: estiba.isolation.v1.ContainerStarted.$Shape; containerStopped?: null; removed?: null; execOutput?: null; execEnded?: null; reopened?: null; subscribed?: null; podStopped?: null; podReleased?: null; canceled?: null; updated?: null; containerExited?: null; podInitDied?: null; containerOomKilled?: null }|{ result?: "containerStopped"; fault?: null; pod?: null; containerCreated?: null; containerStarted?: null; containerStopped: estiba.isolation.v1.ContainerState.$Shape; removed?: null; execOutput?: null; execEnded?: null; reopened?: null; subscribed?: null; podStopped?: null; podReleased?: null; canceled?: null; updated?: null; containerExited?: null; podInitDied?: null; containerOomKilled?: null }|{ result?: "removed"; fault?: null; pod?: null; containerCreated?: null; containerStarted?: null; containerStopped?: null; removed: estiba.isolation.v1.Done.$Shape; execOutput?: null; execEnded?: null; reopened?: null; subscribed?: null; podStopped?: null; podReleased?: null; canceled?: null; updated?: null; containerExited?: null; podInitDied?: null; containerOomKilled?: null }|{ result?: "execOutput"; fault?: null; pod?: null; containerCreated?: null; containerStarted?: null; containerStopped?: null; removed?: null; execOutput: estiba.isolation.v1.ExecOutput.$Shape; execEnded?: null; reopened?: null; subscribed?: null; podStopped?: null; podReleased?: null; canceled?: null; updated?: null; containerExited?: null; podInitDied?: null; containerOomKilled?: null }|{ result?: "execEnded"; fault?: null; pod?: null; containerCreated?: null; containerStarted?: null; containerStopped?: null; removed?: null; execOutput?: null; execEnded: estiba.isolation.v1.ExecEnded.$Shape; reopened?: null; subscribed?: null; podStopped?: null; podReleased?: null; canceled?: null; updated?: null; containerExited?: null; podInitDied?: null; containerOomKilled?: null }|{ result?: "reopened"; fault?: null; pod?: null; containerCreated?: null; containerStarted?: null; containerStopped?: null; removed?: null; execOutput?: null; execEnded?: null; reopened: estiba.isolation.v1.Done.$Shape; subscribed?: null; podStopped?: null; podReleased?: null; canceled?: null; updated?: null; containerExited?: null; podInitDied?: null; containerOomKilled?: null }|{ result?: "subscribed"; fault?: null; pod?: null; containerCreated?: null; containerStarted?: null; containerStopped?: null; removed?: null; execOutput?: null; execEnded?: null; reopened?: null; subscribed: estiba.isolation.v1.Done.$Shape; podStopped?: null; podReleased?: null; canceled?: null; updated?: null; containerExited?: null; podInitDied?: null; containerOomKilled?: null }|{ result?: "podStopped"; fault?: null; pod?: null; containerCreated?: null; containerStarted?: null; containerStopped?: null; removed?: null; execOutput?: null; execEnded?: null; reopened?: null; subscribed?: null; podStopped: estiba.isolation.v1.Done.$Shape; podReleased?: null; canceled?: null; updated?: null; containerExited?: null; podInitDied?: null; containerOomKilled?: null }|{ result?: "podReleased"; fault?: null; pod?: null; containerCreated?: null; containerStarted?: null; containerStopped?: null; removed?: null; execOutput?: null; execEnded?: null; reopened?: null; subscribed?: null; podStopped?: null; podReleased: estiba.isolation.v1.Done.$Shape; canceled?: null; updated?: null; containerExited?: null; podInitDied?: null; containerOomKilled?: null }|{ result?: "canceled"; fault?: null; pod?: null; containerCreated?: null; containerStarted?: null; containerStopped?: null; removed?: null; execOutput?: null; execEnded?: null; reopened?: null; subscribed?: null; podStopped?: null; podReleased?: null; canceled: estiba.isolation.v1.Done.$Shape; updated?: null; containerExited?: null; podInitDied?: null; containerOomKilled?: null }|{ result?: "updated"; fault?: null; pod?: null; containerCreated?: null; containerStarted?: null; containerStopped?: null; removed?: null; execOutput?: null; execEnded?: null; reopened?: null; subscribed?: null; podStopped?: null; podReleased?: null; canceled?: null; updated: estiba.isolation.v1.Done.$Shape; containerExited?: null; podInitDied?: null; containerOomKilled?: null }|{ result?: "containerExited"; fault?: null; pod?: null; containerCreated?: null; containerStarted?: null; containerStopped?: null; removed?: null; execOutput?: null; execEnded?: null; reopened?: null; subscribed?: null; podStopped?: null; podReleased?: null; canceled?: null; updated?: null; containerExited: estiba.isolation.v1.ContainerState.$Shape; podInitDied?: null; containerOomKilled?: null }|{ result?: "podInitDied"; fault?: null; pod?: null; containerCreated?: null; containerStarted?: null; containerStopped?: null; removed?: null; execOutput?: null; execEnded?: null; reopened?: null; subscribed?: null; podStopped?: null; podReleased?: null; canceled?: null; updated?: null; containerExited?: null; podInitDied: estiba.isolation.v1.PodInitDied.$Shape; containerOomKilled?: null }|{ result?: "containerOomKilled"; fault?: null; pod?: null; containerCreated?: null; containerStarted?: null; containerStopped?: null; removed?: null; execOutput?: null; execEnded?: null; reopened?: null; subscribed?: null; podStopped?: null; podReleased?: null; canceled?: null; updated?: null; containerExited?: null; podInitDied?: null; containerOomKilled: estiba.isolation.v1.ContainerOomKilled.$Shape })
                );
            }

            /**
             * Properties of a Subscribe.
             * @deprecated Use estiba.isolation.v1.Subscribe.$Properties instead.
             */
            interface ISubscribe extends estiba.isolation.v1.Subscribe.$Properties {
            }

            /** Represents a Subscribe. */
            class Subscribe {

                /**
                 * Constructs a new Subscribe.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.Subscribe.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /**
                 * Encodes the specified Subscribe message. Does not implicitly {@link estiba.isolation.v1.Subscribe.verify|verify} messages.
                 * @param message Subscribe message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.Subscribe.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Subscribe message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.Subscribe & estiba.isolation.v1.Subscribe.$Shape} Subscribe
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.Subscribe & estiba.isolation.v1.Subscribe.$Shape;
            }

            namespace Subscribe {

                /** Properties of a Subscribe. */
                interface $Properties {

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Subscribe. */
                type $Shape = estiba.isolation.v1.Subscribe.$Properties;
            }

            /**
             * Properties of a GetPod.
             * @deprecated Use estiba.isolation.v1.GetPod.$Properties instead.
             */
            interface IGetPod extends estiba.isolation.v1.GetPod.$Properties {
            }

            /** Represents a GetPod. */
            class GetPod {

                /**
                 * Constructs a new GetPod.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.GetPod.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /**
                 * Encodes the specified GetPod message. Does not implicitly {@link estiba.isolation.v1.GetPod.verify|verify} messages.
                 * @param message GetPod message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.GetPod.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a GetPod message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.GetPod & estiba.isolation.v1.GetPod.$Shape} GetPod
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.GetPod & estiba.isolation.v1.GetPod.$Shape;
            }

            namespace GetPod {

                /** Properties of a GetPod. */
                interface $Properties {

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a GetPod. */
                type $Shape = estiba.isolation.v1.GetPod.$Properties;
            }

            /**
             * Properties of a PodState.
             * @deprecated Use estiba.isolation.v1.PodState.$Properties instead.
             */
            interface IPodState extends estiba.isolation.v1.PodState.$Properties {
            }

            /** Represents a PodState. */
            class PodState {

                /**
                 * Constructs a new PodState.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.PodState.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** PodState podId. */
                podId: string;

                /** PodState monitorPid. */
                monitorPid: number;

                /** PodState monitorStartTimeTicks. */
                monitorStartTimeTicks: Long;

                /** PodState build. */
                build: string;

                /** PodState containers. */
                containers: estiba.isolation.v1.ContainerState.$Properties[];

                /** PodState initPid. */
                initPid: number;

                /** PodState bootId. */
                bootId: string;

                /**
                 * Encodes the specified PodState message. Does not implicitly {@link estiba.isolation.v1.PodState.verify|verify} messages.
                 * @param message PodState message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.PodState.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a PodState message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.PodState & estiba.isolation.v1.PodState.$Shape} PodState
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.PodState & estiba.isolation.v1.PodState.$Shape;
            }

            namespace PodState {

                /** Properties of a PodState. */
                interface $Properties {

                    /** PodState podId */
                    podId?: (string|null);

                    /** PodState monitorPid */
                    monitorPid?: (number|null);

                    /** PodState monitorStartTimeTicks */
                    monitorStartTimeTicks?: (Long|null);

                    /** PodState build */
                    build?: (string|null);

                    /** PodState containers */
                    containers?: (estiba.isolation.v1.ContainerState.$Properties[]|null);

                    /** PodState initPid */
                    initPid?: (number|null);

                    /** PodState bootId */
                    bootId?: (string|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a PodState. */
                type $Shape = estiba.isolation.v1.PodState.$Properties;
            }

            /** ContainerPhase enum. */
            enum ContainerPhase {

                /** CONTAINER_PHASE_UNSPECIFIED value */
                CONTAINER_PHASE_UNSPECIFIED = 0,

                /** CREATED value */
                CREATED = 1,

                /** RUNNING value */
                RUNNING = 2,

                /** EXITED value */
                EXITED = 3
            }

            /**
             * Properties of a ContainerState.
             * @deprecated Use estiba.isolation.v1.ContainerState.$Properties instead.
             */
            interface IContainerState extends estiba.isolation.v1.ContainerState.$Properties {
            }

            /** Represents a ContainerState. */
            class ContainerState {

                /**
                 * Constructs a new ContainerState.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.ContainerState.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** ContainerState containerId. */
                containerId: string;

                /** ContainerState phase. */
                phase: estiba.isolation.v1.ContainerPhase;

                /** as the host sees it; 0 when exited */
                pid: number;

                /** ContainerState startTimeTicks. */
                startTimeTicks: Long;

                /** nanoseconds since the epoch */
                createdAtNs: Long;

                /** ContainerState startedAtNs. */
                startedAtNs: Long;

                /** set when EXITED */
                exit?: (estiba.isolation.v1.ExitRecord.$Properties|null);

                /** ContainerState user. */
                user?: (estiba.isolation.v1.ResolvedUser.$Properties|null);

                /** absent while there are none */
                oom?: (estiba.isolation.v1.OomKills.$Properties|null);

                /**
                 * Encodes the specified ContainerState message. Does not implicitly {@link estiba.isolation.v1.ContainerState.verify|verify} messages.
                 * @param message ContainerState message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.ContainerState.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a ContainerState message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.ContainerState & estiba.isolation.v1.ContainerState.$Shape} ContainerState
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.ContainerState & estiba.isolation.v1.ContainerState.$Shape;
            }

            namespace ContainerState {

                /** Properties of a ContainerState. */
                interface $Properties {

                    /** ContainerState containerId */
                    containerId?: (string|null);

                    /** ContainerState phase */
                    phase?: (estiba.isolation.v1.ContainerPhase|null);

                    /** as the host sees it; 0 when exited */
                    pid?: (number|null);

                    /** ContainerState startTimeTicks */
                    startTimeTicks?: (Long|null);

                    /** nanoseconds since the epoch */
                    createdAtNs?: (Long|null);

                    /** ContainerState startedAtNs */
                    startedAtNs?: (Long|null);

                    /** set when EXITED */
                    exit?: (estiba.isolation.v1.ExitRecord.$Properties|null);

                    /** ContainerState user */
                    user?: (estiba.isolation.v1.ResolvedUser.$Properties|null);

                    /** absent while there are none */
                    oom?: (estiba.isolation.v1.OomKills.$Properties|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a ContainerState. */
                type $Shape = estiba.isolation.v1.ContainerState.$Properties;
            }

            /** Whose limit of memory was reached. */
            enum OomLevel {

                /** OOM_LEVEL_UNKNOWN value */
                OOM_LEVEL_UNKNOWN = 0,

                /** OOM_LEVEL_CONTAINER value */
                OOM_LEVEL_CONTAINER = 1,

                /** The parent of the container's cgroup. */
                OOM_LEVEL_POD = 2,

                /** A cgroup further up. */
                OOM_LEVEL_ANCESTOR = 3,

                /** No limit: the machine had no memory left. */
                OOM_LEVEL_NODE = 4
            }

            /**
             * Properties of an OomKills.
             * @deprecated Use estiba.isolation.v1.OomKills.$Properties instead.
             */
            interface IOomKills extends estiba.isolation.v1.OomKills.$Properties {
            }

            /** Processes of a container, execs included, that the kernel has killed for lack of memory. */
            class OomKills {

                /**
                 * Constructs a new OomKills.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.OomKills.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** since the container was made */
                kills: Long;

                /** Of the last ones: whose limit, the cgroup with it, and the limit; "" and 0 for the node. */
                level: estiba.isolation.v1.OomLevel;

                /** OomKills cgroup. */
                cgroup: string;

                /** OomKills limitBytes. */
                limitBytes: Long;

                /**
                 * Encodes the specified OomKills message. Does not implicitly {@link estiba.isolation.v1.OomKills.verify|verify} messages.
                 * @param message OomKills message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.OomKills.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes an OomKills message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.OomKills & estiba.isolation.v1.OomKills.$Shape} OomKills
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.OomKills & estiba.isolation.v1.OomKills.$Shape;
            }

            namespace OomKills {

                /** Properties of an OomKills. */
                interface $Properties {

                    /** since the container was made */
                    kills?: (Long|null);

                    /** Of the last ones: whose limit, the cgroup with it, and the limit; "" and 0 for the node. */
                    level?: (estiba.isolation.v1.OomLevel|null);

                    /** OomKills cgroup */
                    cgroup?: (string|null);

                    /** OomKills limitBytes */
                    limitBytes?: (Long|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of an OomKills. */
                type $Shape = estiba.isolation.v1.OomKills.$Properties;
            }

            /**
             * Properties of a ContainerOomKilled.
             * @deprecated Use estiba.isolation.v1.ContainerOomKilled.$Properties instead.
             */
            interface IContainerOomKilled extends estiba.isolation.v1.ContainerOomKilled.$Properties {
            }

            /** Event: processes of a container that lives on were killed for lack of memory. */
            class ContainerOomKilled {

                /**
                 * Constructs a new ContainerOomKilled.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.ContainerOomKilled.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** ContainerOomKilled containerId. */
                containerId: string;

                /** ContainerOomKilled oom. */
                oom?: (estiba.isolation.v1.OomKills.$Properties|null);

                /**
                 * Encodes the specified ContainerOomKilled message. Does not implicitly {@link estiba.isolation.v1.ContainerOomKilled.verify|verify} messages.
                 * @param message ContainerOomKilled message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.ContainerOomKilled.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a ContainerOomKilled message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.ContainerOomKilled & estiba.isolation.v1.ContainerOomKilled.$Shape} ContainerOomKilled
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.ContainerOomKilled & estiba.isolation.v1.ContainerOomKilled.$Shape;
            }

            namespace ContainerOomKilled {

                /** Properties of a ContainerOomKilled. */
                interface $Properties {

                    /** ContainerOomKilled containerId */
                    containerId?: (string|null);

                    /** ContainerOomKilled oom */
                    oom?: (estiba.isolation.v1.OomKills.$Properties|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a ContainerOomKilled. */
                type $Shape = estiba.isolation.v1.ContainerOomKilled.$Properties;
            }

            /**
             * Properties of an ExitRecord.
             * @deprecated Use estiba.isolation.v1.ExitRecord.$Properties instead.
             */
            interface IExitRecord extends estiba.isolation.v1.ExitRecord.$Properties {
            }

            /** Also the content of `<pod dir>/containers/<id>/exit`, written (temp + rename) before it is reported. */
            class ExitRecord {

                /**
                 * Constructs a new ExitRecord.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.ExitRecord.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** 128 + signal when killed by a signal */
                exitCode: number;

                /** ExitRecord signal. */
                signal: number;

                /** ExitRecord oomKilled. */
                oomKilled: boolean;

                /** 0 when never started */
                startedAtNs: Long;

                /** ExitRecord finishedAtNs. */
                finishedAtNs: Long;

                /** "" or why the monitor ended it ("start failed: ..."). */
                message: string;

                /** True when the program never ran (CRI reason StartError). */
                startFailed: boolean;

                /** Set when oom_killed: that is so when any process of it was killed in its life. */
                oom?: (estiba.isolation.v1.OomKills.$Properties|null);

                /**
                 * Encodes the specified ExitRecord message. Does not implicitly {@link estiba.isolation.v1.ExitRecord.verify|verify} messages.
                 * @param message ExitRecord message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.ExitRecord.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes an ExitRecord message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.ExitRecord & estiba.isolation.v1.ExitRecord.$Shape} ExitRecord
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.ExitRecord & estiba.isolation.v1.ExitRecord.$Shape;
            }

            namespace ExitRecord {

                /** Properties of an ExitRecord. */
                interface $Properties {

                    /** 128 + signal when killed by a signal */
                    exitCode?: (number|null);

                    /** ExitRecord signal */
                    signal?: (number|null);

                    /** ExitRecord oomKilled */
                    oomKilled?: (boolean|null);

                    /** 0 when never started */
                    startedAtNs?: (Long|null);

                    /** ExitRecord finishedAtNs */
                    finishedAtNs?: (Long|null);

                    /** "" or why the monitor ended it ("start failed: ..."). */
                    message?: (string|null);

                    /** True when the program never ran (CRI reason StartError). */
                    startFailed?: (boolean|null);

                    /** Set when oom_killed: that is so when any process of it was killed in its life. */
                    oom?: (estiba.isolation.v1.OomKills.$Properties|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of an ExitRecord. */
                type $Shape = estiba.isolation.v1.ExitRecord.$Properties;
            }

            /**
             * Properties of a PodStateRecord.
             * @deprecated Use estiba.isolation.v1.PodStateRecord.$Properties instead.
             */
            interface IPodStateRecord extends estiba.isolation.v1.PodStateRecord.$Properties {
            }

            /**
             * `<pod dir>/state`: what DestroyPod needs after the monitor is gone. Rewritten (temp + rename) when
             * a container is added or removed.
             */
            class PodStateRecord {

                /**
                 * Constructs a new PodStateRecord.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.PodStateRecord.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** PodStateRecord version. */
                version: number;

                /** PodStateRecord bootId. */
                bootId: string;

                /** PodStateRecord podId. */
                podId: string;

                /** PodStateRecord monitorPid. */
                monitorPid: number;

                /** PodStateRecord monitorStartTimeTicks. */
                monitorStartTimeTicks: Long;

                /** Cgroup paths relative to the hierarchy root, the same in every v1 hierarchy. */
                cgroups: string[];

                /** PodStateRecord netnsPath. */
                netnsPath: string;

                /**
                 * Encodes the specified PodStateRecord message. Does not implicitly {@link estiba.isolation.v1.PodStateRecord.verify|verify} messages.
                 * @param message PodStateRecord message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.PodStateRecord.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a PodStateRecord message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.PodStateRecord & estiba.isolation.v1.PodStateRecord.$Shape} PodStateRecord
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.PodStateRecord & estiba.isolation.v1.PodStateRecord.$Shape;
            }

            namespace PodStateRecord {

                /** Properties of a PodStateRecord. */
                interface $Properties {

                    /** PodStateRecord version */
                    version?: (number|null);

                    /** PodStateRecord bootId */
                    bootId?: (string|null);

                    /** PodStateRecord podId */
                    podId?: (string|null);

                    /** PodStateRecord monitorPid */
                    monitorPid?: (number|null);

                    /** PodStateRecord monitorStartTimeTicks */
                    monitorStartTimeTicks?: (Long|null);

                    /** Cgroup paths relative to the hierarchy root, the same in every v1 hierarchy. */
                    cgroups?: (string[]|null);

                    /** PodStateRecord netnsPath */
                    netnsPath?: (string|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a PodStateRecord. */
                type $Shape = estiba.isolation.v1.PodStateRecord.$Properties;
            }

            /**
             * Properties of a CreateContainer.
             * @deprecated Use estiba.isolation.v1.CreateContainer.$Properties instead.
             */
            interface ICreateContainer extends estiba.isolation.v1.CreateContainer.$Properties {
            }

            /**
             * Builds the whole container - cgroup, namespaces, root file system, every mount - and parks its
             * init just before execve.
             */
            class CreateContainer {

                /**
                 * Constructs a new CreateContainer.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.CreateContainer.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** 64 lower-case hex digits */
                containerId: string;

                /**
                 * The OCI runtime spec (config.json), version 1.x. linux.namespaces[].path and mounts[].source may
                 * be the paths of PodStarted. linux.cgroupsPath is absolute in cgroupfs syntax. process.user is
                 * replaced by the resolution of `user` when that is set.
                 */
                specJson: Uint8Array;

                /** CreateContainer rootfs. */
                rootfs?: (estiba.isolation.v1.Rootfs.$Properties|null);

                /** CreateContainer stdio. */
                stdio?: (estiba.isolation.v1.Stdio.$Properties|null);

                /** CreateContainer user. */
                user?: (estiba.isolation.v1.UserRequest.$Properties|null);

                /** Container of this pod whose pid namespace is joined (TARGET mode); "" otherwise. */
                pidTargetContainerId: string;

                /** Preparing mounts and namespaces is abandoned after this time, naming where it hangs. 0 = 110000. */
                deadlineMs: Long;

                /**
                 * The spec's linux.seccomp as CompileSeccomp answered it; absent: compiled on the way, where the
                 * spec has one. Execs get the same.
                 */
                seccomp?: (estiba.isolation.v1.SeccompFilter.$Properties|null);

                /**
                 * Encodes the specified CreateContainer message. Does not implicitly {@link estiba.isolation.v1.CreateContainer.verify|verify} messages.
                 * @param message CreateContainer message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.CreateContainer.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a CreateContainer message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.CreateContainer & estiba.isolation.v1.CreateContainer.$Shape} CreateContainer
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.CreateContainer & estiba.isolation.v1.CreateContainer.$Shape;
            }

            namespace CreateContainer {

                /** Properties of a CreateContainer. */
                interface $Properties {

                    /** 64 lower-case hex digits */
                    containerId?: (string|null);

                    /**
                     * The OCI runtime spec (config.json), version 1.x. linux.namespaces[].path and mounts[].source may
                     * be the paths of PodStarted. linux.cgroupsPath is absolute in cgroupfs syntax. process.user is
                     * replaced by the resolution of `user` when that is set.
                     */
                    specJson?: (Uint8Array|null);

                    /** CreateContainer rootfs */
                    rootfs?: (estiba.isolation.v1.Rootfs.$Properties|null);

                    /** CreateContainer stdio */
                    stdio?: (estiba.isolation.v1.Stdio.$Properties|null);

                    /** CreateContainer user */
                    user?: (estiba.isolation.v1.UserRequest.$Properties|null);

                    /** Container of this pod whose pid namespace is joined (TARGET mode); "" otherwise. */
                    pidTargetContainerId?: (string|null);

                    /** Preparing mounts and namespaces is abandoned after this time, naming where it hangs. 0 = 110000. */
                    deadlineMs?: (Long|null);

                    /**
                     * The spec's linux.seccomp as CompileSeccomp answered it; absent: compiled on the way, where the
                     * spec has one. Execs get the same.
                     */
                    seccomp?: (estiba.isolation.v1.SeccompFilter.$Properties|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a CreateContainer. */
                type $Shape = estiba.isolation.v1.CreateContainer.$Properties;
            }

            /**
             * Properties of a SeccompFilter.
             * @deprecated Use estiba.isolation.v1.SeccompFilter.$Properties instead.
             */
            interface ISeccompFilter extends estiba.isolation.v1.SeccompFilter.$Properties {
            }

            /**
             * A program of classic BPF, `struct sock_filter` after `struct sock_filter`, and its
             * SECCOMP_FILTER_FLAG_*.
             */
            class SeccompFilter {

                /**
                 * Constructs a new SeccompFilter.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.SeccompFilter.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** SeccompFilter program. */
                program: Uint8Array;

                /** SeccompFilter flags. */
                flags: number;

                /**
                 * Encodes the specified SeccompFilter message. Does not implicitly {@link estiba.isolation.v1.SeccompFilter.verify|verify} messages.
                 * @param message SeccompFilter message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.SeccompFilter.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a SeccompFilter message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.SeccompFilter & estiba.isolation.v1.SeccompFilter.$Shape} SeccompFilter
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.SeccompFilter & estiba.isolation.v1.SeccompFilter.$Shape;
            }

            namespace SeccompFilter {

                /** Properties of a SeccompFilter. */
                interface $Properties {

                    /** SeccompFilter program */
                    program?: (Uint8Array|null);

                    /** SeccompFilter flags */
                    flags?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a SeccompFilter. */
                type $Shape = estiba.isolation.v1.SeccompFilter.$Properties;
            }

            /**
             * Properties of a Rootfs.
             * @deprecated Use estiba.isolation.v1.Rootfs.$Properties instead.
             */
            interface IRootfs extends estiba.isolation.v1.Rootfs.$Properties {
            }

            /** Represents a Rootfs. */
            class Rootfs {

                /**
                 * Constructs a new Rootfs.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.Rootfs.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Read-only layers, topmost first; absolute paths. At least one. */
                lowerDirs: string[];

                /** Directory that gets `upper` and `work` (made by the helper, 0700 parent); removed with the container. */
                writableDir: string;

                /** overlay "volatile": no sync at unmount */
                volatile: boolean;

                /**
                 * Encodes the specified Rootfs message. Does not implicitly {@link estiba.isolation.v1.Rootfs.verify|verify} messages.
                 * @param message Rootfs message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.Rootfs.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Rootfs message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.Rootfs & estiba.isolation.v1.Rootfs.$Shape} Rootfs
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.Rootfs & estiba.isolation.v1.Rootfs.$Shape;
            }

            namespace Rootfs {

                /** Properties of a Rootfs. */
                interface $Properties {

                    /** Read-only layers, topmost first; absolute paths. At least one. */
                    lowerDirs?: (string[]|null);

                    /** Directory that gets `upper` and `work` (made by the helper, 0700 parent); removed with the container. */
                    writableDir?: (string|null);

                    /** overlay "volatile": no sync at unmount */
                    volatile?: (boolean|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Rootfs. */
                type $Shape = estiba.isolation.v1.Rootfs.$Properties;
            }

            /**
             * Properties of a Stdio.
             * @deprecated Use estiba.isolation.v1.Stdio.$Properties instead.
             */
            interface IStdio extends estiba.isolation.v1.Stdio.$Properties {
            }

            /** Represents a Stdio. */
            class Stdio {

                /**
                 * Constructs a new Stdio.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.Stdio.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** "" = discard output; parent directories are made, file mode 0640 */
                logPath: string;

                /** Stdio tty. */
                tty: boolean;

                /** Stdio stdin. */
                stdin: boolean;

                /** Stdio stdinOnce. */
                stdinOnce: boolean;

                /**
                 * The pod's log directory. From its own name on, no symlink in log_path is followed: containers may
                 * have it as a volume. "": only the file itself may be none.
                 */
                logDirectory: string;

                /**
                 * Encodes the specified Stdio message. Does not implicitly {@link estiba.isolation.v1.Stdio.verify|verify} messages.
                 * @param message Stdio message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.Stdio.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Stdio message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.Stdio & estiba.isolation.v1.Stdio.$Shape} Stdio
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.Stdio & estiba.isolation.v1.Stdio.$Shape;
            }

            namespace Stdio {

                /** Properties of a Stdio. */
                interface $Properties {

                    /** "" = discard output; parent directories are made, file mode 0640 */
                    logPath?: (string|null);

                    /** Stdio tty */
                    tty?: (boolean|null);

                    /** Stdio stdin */
                    stdin?: (boolean|null);

                    /** Stdio stdinOnce */
                    stdinOnce?: (boolean|null);

                    /**
                     * The pod's log directory. From its own name on, no symlink in log_path is followed: containers may
                     * have it as a volume. "": only the file itself may be none.
                     */
                    logDirectory?: (string|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Stdio. */
                type $Shape = estiba.isolation.v1.Stdio.$Properties;
            }

            /**
             * Properties of a UserRequest.
             * @deprecated Use estiba.isolation.v1.UserRequest.$Properties instead.
             */
            interface IUserRequest extends estiba.isolation.v1.UserRequest.$Properties {
            }

            /** Names are resolved in the container's own /etc/passwd and /etc/group, read with bounds. */
            class UserRequest {

                /**
                 * Constructs a new UserRequest.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.UserRequest.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** "" (root), a decimal uid, or a name. */
                user: string;

                /** "" (the user's primary group, else 0), a decimal gid, or a name. */
                group: string;

                /** UserRequest supplementalGids. */
                supplementalGids: number[];

                /** Strict: do not add the memberships of /etc/group. */
                strictGroups: boolean;

                /**
                 * Encodes the specified UserRequest message. Does not implicitly {@link estiba.isolation.v1.UserRequest.verify|verify} messages.
                 * @param message UserRequest message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.UserRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a UserRequest message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.UserRequest & estiba.isolation.v1.UserRequest.$Shape} UserRequest
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.UserRequest & estiba.isolation.v1.UserRequest.$Shape;
            }

            namespace UserRequest {

                /** Properties of a UserRequest. */
                interface $Properties {

                    /** "" (root), a decimal uid, or a name. */
                    user?: (string|null);

                    /** "" (the user's primary group, else 0), a decimal gid, or a name. */
                    group?: (string|null);

                    /** UserRequest supplementalGids */
                    supplementalGids?: (number[]|null);

                    /** Strict: do not add the memberships of /etc/group. */
                    strictGroups?: (boolean|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a UserRequest. */
                type $Shape = estiba.isolation.v1.UserRequest.$Properties;
            }

            /**
             * Properties of a ResolvedUser.
             * @deprecated Use estiba.isolation.v1.ResolvedUser.$Properties instead.
             */
            interface IResolvedUser extends estiba.isolation.v1.ResolvedUser.$Properties {
            }

            /** Represents a ResolvedUser. */
            class ResolvedUser {

                /**
                 * Constructs a new ResolvedUser.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.ResolvedUser.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** ResolvedUser uid. */
                uid: number;

                /** ResolvedUser gid. */
                gid: number;

                /** ResolvedUser additionalGids. */
                additionalGids: number[];

                /**
                 * Encodes the specified ResolvedUser message. Does not implicitly {@link estiba.isolation.v1.ResolvedUser.verify|verify} messages.
                 * @param message ResolvedUser message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.ResolvedUser.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a ResolvedUser message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.ResolvedUser & estiba.isolation.v1.ResolvedUser.$Shape} ResolvedUser
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.ResolvedUser & estiba.isolation.v1.ResolvedUser.$Shape;
            }

            namespace ResolvedUser {

                /** Properties of a ResolvedUser. */
                interface $Properties {

                    /** ResolvedUser uid */
                    uid?: (number|null);

                    /** ResolvedUser gid */
                    gid?: (number|null);

                    /** ResolvedUser additionalGids */
                    additionalGids?: (number[]|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a ResolvedUser. */
                type $Shape = estiba.isolation.v1.ResolvedUser.$Properties;
            }

            /**
             * Properties of a ContainerCreated.
             * @deprecated Use estiba.isolation.v1.ContainerCreated.$Properties instead.
             */
            interface IContainerCreated extends estiba.isolation.v1.ContainerCreated.$Properties {
            }

            /** Represents a ContainerCreated. */
            class ContainerCreated {

                /**
                 * Constructs a new ContainerCreated.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.ContainerCreated.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** of the parked init */
                pid: number;

                /** ContainerCreated user. */
                user?: (estiba.isolation.v1.ResolvedUser.$Properties|null);

                /** ContainerCreated createdAtNs. */
                createdAtNs: Long;

                /** ContainerCreated steps. */
                steps: estiba.isolation.v1.StepTime.$Properties[];

                /**
                 * Encodes the specified ContainerCreated message. Does not implicitly {@link estiba.isolation.v1.ContainerCreated.verify|verify} messages.
                 * @param message ContainerCreated message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.ContainerCreated.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a ContainerCreated message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.ContainerCreated & estiba.isolation.v1.ContainerCreated.$Shape} ContainerCreated
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.ContainerCreated & estiba.isolation.v1.ContainerCreated.$Shape;
            }

            namespace ContainerCreated {

                /** Properties of a ContainerCreated. */
                interface $Properties {

                    /** of the parked init */
                    pid?: (number|null);

                    /** ContainerCreated user */
                    user?: (estiba.isolation.v1.ResolvedUser.$Properties|null);

                    /** ContainerCreated createdAtNs */
                    createdAtNs?: (Long|null);

                    /** ContainerCreated steps */
                    steps?: (estiba.isolation.v1.StepTime.$Properties[]|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a ContainerCreated. */
                type $Shape = estiba.isolation.v1.ContainerCreated.$Properties;
            }

            /**
             * Properties of a StepTime.
             * @deprecated Use estiba.isolation.v1.StepTime.$Properties instead.
             */
            interface IStepTime extends estiba.isolation.v1.StepTime.$Properties {
            }

            /** How long one step took, for the operation's timeline. */
            class StepTime {

                /**
                 * Constructs a new StepTime.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.StepTime.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** StepTime step. */
                step: string;

                /** StepTime elapsedUs. */
                elapsedUs: Long;

                /**
                 * Encodes the specified StepTime message. Does not implicitly {@link estiba.isolation.v1.StepTime.verify|verify} messages.
                 * @param message StepTime message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.StepTime.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a StepTime message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.StepTime & estiba.isolation.v1.StepTime.$Shape} StepTime
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.StepTime & estiba.isolation.v1.StepTime.$Shape;
            }

            namespace StepTime {

                /** Properties of a StepTime. */
                interface $Properties {

                    /** StepTime step */
                    step?: (string|null);

                    /** StepTime elapsedUs */
                    elapsedUs?: (Long|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a StepTime. */
                type $Shape = estiba.isolation.v1.StepTime.$Properties;
            }

            /**
             * Properties of a StartContainer.
             * @deprecated Use estiba.isolation.v1.StartContainer.$Properties instead.
             */
            interface IStartContainer extends estiba.isolation.v1.StartContainer.$Properties {
            }

            /** Represents a StartContainer. */
            class StartContainer {

                /**
                 * Constructs a new StartContainer.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.StartContainer.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** StartContainer containerId. */
                containerId: string;

                /**
                 * Encodes the specified StartContainer message. Does not implicitly {@link estiba.isolation.v1.StartContainer.verify|verify} messages.
                 * @param message StartContainer message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.StartContainer.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a StartContainer message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.StartContainer & estiba.isolation.v1.StartContainer.$Shape} StartContainer
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.StartContainer & estiba.isolation.v1.StartContainer.$Shape;
            }

            namespace StartContainer {

                /** Properties of a StartContainer. */
                interface $Properties {

                    /** StartContainer containerId */
                    containerId?: (string|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a StartContainer. */
                type $Shape = estiba.isolation.v1.StartContainer.$Properties;
            }

            /**
             * Properties of a ContainerStarted.
             * @deprecated Use estiba.isolation.v1.ContainerStarted.$Properties instead.
             */
            interface IContainerStarted extends estiba.isolation.v1.ContainerStarted.$Properties {
            }

            /**
             * Sent when execve has succeeded; a failure is a Fault with step "execve" and the container is EXITED
             * with exit code 128 and start_failed.
             */
            class ContainerStarted {

                /**
                 * Constructs a new ContainerStarted.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.ContainerStarted.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** ContainerStarted pid. */
                pid: number;

                /** ContainerStarted startedAtNs. */
                startedAtNs: Long;

                /**
                 * Encodes the specified ContainerStarted message. Does not implicitly {@link estiba.isolation.v1.ContainerStarted.verify|verify} messages.
                 * @param message ContainerStarted message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.ContainerStarted.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a ContainerStarted message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.ContainerStarted & estiba.isolation.v1.ContainerStarted.$Shape} ContainerStarted
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.ContainerStarted & estiba.isolation.v1.ContainerStarted.$Shape;
            }

            namespace ContainerStarted {

                /** Properties of a ContainerStarted. */
                interface $Properties {

                    /** ContainerStarted pid */
                    pid?: (number|null);

                    /** ContainerStarted startedAtNs */
                    startedAtNs?: (Long|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a ContainerStarted. */
                type $Shape = estiba.isolation.v1.ContainerStarted.$Properties;
            }

            /**
             * Properties of a StopContainer.
             * @deprecated Use estiba.isolation.v1.StopContainer.$Properties instead.
             */
            interface IStopContainer extends estiba.isolation.v1.StopContainer.$Properties {
            }

            /**
             * Sends `signal`, and SIGKILL to the whole container after `grace_ms`; answered at death with the
             * final state. A later call with a nearer deadline wins. An exited container is answered at once.
             */
            class StopContainer {

                /**
                 * Constructs a new StopContainer.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.StopContainer.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** StopContainer containerId. */
                containerId: string;

                /** 0 = SIGTERM */
                signal: number;

                /** 0 = SIGKILL now */
                graceMs: Long;

                /**
                 * Encodes the specified StopContainer message. Does not implicitly {@link estiba.isolation.v1.StopContainer.verify|verify} messages.
                 * @param message StopContainer message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.StopContainer.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a StopContainer message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.StopContainer & estiba.isolation.v1.StopContainer.$Shape} StopContainer
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.StopContainer & estiba.isolation.v1.StopContainer.$Shape;
            }

            namespace StopContainer {

                /** Properties of a StopContainer. */
                interface $Properties {

                    /** StopContainer containerId */
                    containerId?: (string|null);

                    /** 0 = SIGTERM */
                    signal?: (number|null);

                    /** 0 = SIGKILL now */
                    graceMs?: (Long|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a StopContainer. */
                type $Shape = estiba.isolation.v1.StopContainer.$Properties;
            }

            /**
             * Properties of an UpdateContainer.
             * @deprecated Use estiba.isolation.v1.UpdateContainer.$Properties instead.
             */
            interface IUpdateContainer extends estiba.isolation.v1.UpdateContainer.$Properties {
            }

            /**
             * Changes limits of a container that is created or running: all that are given or, after a fault,
             * none. What is not given stays. A fault of step "exited" means that the container is over.
             */
            class UpdateContainer {

                /**
                 * Constructs a new UpdateContainer.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.UpdateContainer.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** UpdateContainer containerId. */
                containerId: string;

                /** linux.resources of an OCI runtime spec, as JSON; "devices" has no effect. */
                resourcesJson: Uint8Array;

                /** For every process that has the container's present value, and for execs to come. */
                oomScoreAdj?: (number|null);

                /**
                 * Encodes the specified UpdateContainer message. Does not implicitly {@link estiba.isolation.v1.UpdateContainer.verify|verify} messages.
                 * @param message UpdateContainer message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.UpdateContainer.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes an UpdateContainer message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.UpdateContainer & estiba.isolation.v1.UpdateContainer.$Shape} UpdateContainer
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.UpdateContainer & estiba.isolation.v1.UpdateContainer.$Shape;
            }

            namespace UpdateContainer {

                /** Properties of an UpdateContainer. */
                interface $Properties {

                    /** UpdateContainer containerId */
                    containerId?: (string|null);

                    /** linux.resources of an OCI runtime spec, as JSON; "devices" has no effect. */
                    resourcesJson?: (Uint8Array|null);

                    /** For every process that has the container's present value, and for execs to come. */
                    oomScoreAdj?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of an UpdateContainer. */
                type $Shape = estiba.isolation.v1.UpdateContainer.$Properties;
            }

            /**
             * Properties of a RemoveContainer.
             * @deprecated Use estiba.isolation.v1.RemoveContainer.$Properties instead.
             */
            interface IRemoveContainer extends estiba.isolation.v1.RemoveContainer.$Properties {
            }

            /**
             * Kills the container if it lives, removes its cgroup, its directory and `Rootfs.writable_dir`.
             * Unknown containers are answered with `removed`.
             */
            class RemoveContainer {

                /**
                 * Constructs a new RemoveContainer.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.RemoveContainer.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** RemoveContainer containerId. */
                containerId: string;

                /**
                 * Encodes the specified RemoveContainer message. Does not implicitly {@link estiba.isolation.v1.RemoveContainer.verify|verify} messages.
                 * @param message RemoveContainer message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.RemoveContainer.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a RemoveContainer message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.RemoveContainer & estiba.isolation.v1.RemoveContainer.$Shape} RemoveContainer
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.RemoveContainer & estiba.isolation.v1.RemoveContainer.$Shape;
            }

            namespace RemoveContainer {

                /** Properties of a RemoveContainer. */
                interface $Properties {

                    /** RemoveContainer containerId */
                    containerId?: (string|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a RemoveContainer. */
                type $Shape = estiba.isolation.v1.RemoveContainer.$Properties;
            }

            /**
             * Properties of an ExecSync.
             * @deprecated Use estiba.isolation.v1.ExecSync.$Properties instead.
             */
            interface IExecSync extends estiba.isolation.v1.ExecSync.$Properties {
            }

            /**
             * Runs a command in a running container with the container's user, environment, working directory,
             * capabilities and limits. Replies: any number of ExecOutput, then ExecEnded.
             */
            class ExecSync {

                /**
                 * Constructs a new ExecSync.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.ExecSync.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** ExecSync containerId. */
                containerId: string;

                /** ExecSync argv. */
                argv: string[];

                /** 0 = none */
                timeoutMs: Long;

                /** for each stream; the rest is read and dropped */
                outputLimitBytes: Long;

                /**
                 * Encodes the specified ExecSync message. Does not implicitly {@link estiba.isolation.v1.ExecSync.verify|verify} messages.
                 * @param message ExecSync message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.ExecSync.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes an ExecSync message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.ExecSync & estiba.isolation.v1.ExecSync.$Shape} ExecSync
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.ExecSync & estiba.isolation.v1.ExecSync.$Shape;
            }

            namespace ExecSync {

                /** Properties of an ExecSync. */
                interface $Properties {

                    /** ExecSync containerId */
                    containerId?: (string|null);

                    /** ExecSync argv */
                    argv?: (string[]|null);

                    /** 0 = none */
                    timeoutMs?: (Long|null);

                    /** for each stream; the rest is read and dropped */
                    outputLimitBytes?: (Long|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of an ExecSync. */
                type $Shape = estiba.isolation.v1.ExecSync.$Properties;
            }

            /**
             * Properties of an ExecOutput.
             * @deprecated Use estiba.isolation.v1.ExecOutput.$Properties instead.
             */
            interface IExecOutput extends estiba.isolation.v1.ExecOutput.$Properties {
            }

            /** Represents an ExecOutput. */
            class ExecOutput {

                /**
                 * Constructs a new ExecOutput.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.ExecOutput.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** ExecOutput stdout. */
                stdout: Uint8Array;

                /** ExecOutput stderr. */
                stderr: Uint8Array;

                /**
                 * Encodes the specified ExecOutput message. Does not implicitly {@link estiba.isolation.v1.ExecOutput.verify|verify} messages.
                 * @param message ExecOutput message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.ExecOutput.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes an ExecOutput message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.ExecOutput & estiba.isolation.v1.ExecOutput.$Shape} ExecOutput
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.ExecOutput & estiba.isolation.v1.ExecOutput.$Shape;
            }

            namespace ExecOutput {

                /** Properties of an ExecOutput. */
                interface $Properties {

                    /** ExecOutput stdout */
                    stdout?: (Uint8Array|null);

                    /** ExecOutput stderr */
                    stderr?: (Uint8Array|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of an ExecOutput. */
                type $Shape = estiba.isolation.v1.ExecOutput.$Properties;
            }

            /**
             * Properties of an ExecEnded.
             * @deprecated Use estiba.isolation.v1.ExecEnded.$Properties instead.
             */
            interface IExecEnded extends estiba.isolation.v1.ExecEnded.$Properties {
            }

            /** Represents an ExecEnded. */
            class ExecEnded {

                /**
                 * Constructs a new ExecEnded.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.ExecEnded.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** 128 + signal when killed by a signal */
                exitCode: number;

                /** The deadline passed: every process of the exec has been killed and reaped. */
                timedOut: boolean;

                /** ExecEnded outputCut. */
                outputCut: boolean;

                /** It was killed, and processes of the container were killed for lack of memory while it ran. */
                oomKilled: boolean;

                /**
                 * Encodes the specified ExecEnded message. Does not implicitly {@link estiba.isolation.v1.ExecEnded.verify|verify} messages.
                 * @param message ExecEnded message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.ExecEnded.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes an ExecEnded message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.ExecEnded & estiba.isolation.v1.ExecEnded.$Shape} ExecEnded
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.ExecEnded & estiba.isolation.v1.ExecEnded.$Shape;
            }

            namespace ExecEnded {

                /** Properties of an ExecEnded. */
                interface $Properties {

                    /** 128 + signal when killed by a signal */
                    exitCode?: (number|null);

                    /** The deadline passed: every process of the exec has been killed and reaped. */
                    timedOut?: (boolean|null);

                    /** ExecEnded outputCut */
                    outputCut?: (boolean|null);

                    /** It was killed, and processes of the container were killed for lack of memory while it ran. */
                    oomKilled?: (boolean|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of an ExecEnded. */
                type $Shape = estiba.isolation.v1.ExecEnded.$Properties;
            }

            /**
             * Properties of a ReopenLog.
             * @deprecated Use estiba.isolation.v1.ReopenLog.$Properties instead.
             */
            interface IReopenLog extends estiba.isolation.v1.ReopenLog.$Properties {
            }

            /** Opens the log path anew; the file exists when this is answered. */
            class ReopenLog {

                /**
                 * Constructs a new ReopenLog.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.ReopenLog.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** ReopenLog containerId. */
                containerId: string;

                /**
                 * Encodes the specified ReopenLog message. Does not implicitly {@link estiba.isolation.v1.ReopenLog.verify|verify} messages.
                 * @param message ReopenLog message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.ReopenLog.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a ReopenLog message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.ReopenLog & estiba.isolation.v1.ReopenLog.$Shape} ReopenLog
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.ReopenLog & estiba.isolation.v1.ReopenLog.$Shape;
            }

            namespace ReopenLog {

                /** Properties of a ReopenLog. */
                interface $Properties {

                    /** ReopenLog containerId */
                    containerId?: (string|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a ReopenLog. */
                type $Shape = estiba.isolation.v1.ReopenLog.$Properties;
            }

            /**
             * Properties of a StopPod.
             * @deprecated Use estiba.isolation.v1.StopPod.$Properties instead.
             */
            interface IStopPod extends estiba.isolation.v1.StopPod.$Properties {
            }

            /** Kills every container at once (SIGKILL) and answers when all are dead. */
            class StopPod {

                /**
                 * Constructs a new StopPod.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.StopPod.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /**
                 * Encodes the specified StopPod message. Does not implicitly {@link estiba.isolation.v1.StopPod.verify|verify} messages.
                 * @param message StopPod message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.StopPod.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a StopPod message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.StopPod & estiba.isolation.v1.StopPod.$Shape} StopPod
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.StopPod & estiba.isolation.v1.StopPod.$Shape;
            }

            namespace StopPod {

                /** Properties of a StopPod. */
                interface $Properties {

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a StopPod. */
                type $Shape = estiba.isolation.v1.StopPod.$Properties;
            }

            /**
             * Properties of a ReleasePod.
             * @deprecated Use estiba.isolation.v1.ReleasePod.$Properties instead.
             */
            interface IReleasePod extends estiba.isolation.v1.ReleasePod.$Properties {
            }

            /**
             * Ends the monitor: what still lives is killed, namespaces are unpinned and closed, pod cgroups of
             * ours removed. The exit records stay in pod_dir. The connection closes after the answer.
             */
            class ReleasePod {

                /**
                 * Constructs a new ReleasePod.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.ReleasePod.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /**
                 * Encodes the specified ReleasePod message. Does not implicitly {@link estiba.isolation.v1.ReleasePod.verify|verify} messages.
                 * @param message ReleasePod message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.ReleasePod.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a ReleasePod message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.ReleasePod & estiba.isolation.v1.ReleasePod.$Shape} ReleasePod
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.ReleasePod & estiba.isolation.v1.ReleasePod.$Shape;
            }

            namespace ReleasePod {

                /** Properties of a ReleasePod. */
                interface $Properties {

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a ReleasePod. */
                type $Shape = estiba.isolation.v1.ReleasePod.$Properties;
            }

            /**
             * Properties of a CancelRequest.
             * @deprecated Use estiba.isolation.v1.CancelRequest.$Properties instead.
             */
            interface ICancelRequest extends estiba.isolation.v1.CancelRequest.$Properties {
            }

            /** Gives up waiting for request `target_id` (an ExecSync is killed); that request is answered CANCELED. */
            class CancelRequest {

                /**
                 * Constructs a new CancelRequest.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.CancelRequest.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** CancelRequest targetId. */
                targetId: Long;

                /**
                 * Encodes the specified CancelRequest message. Does not implicitly {@link estiba.isolation.v1.CancelRequest.verify|verify} messages.
                 * @param message CancelRequest message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.CancelRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a CancelRequest message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.CancelRequest & estiba.isolation.v1.CancelRequest.$Shape} CancelRequest
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.CancelRequest & estiba.isolation.v1.CancelRequest.$Shape;
            }

            namespace CancelRequest {

                /** Properties of a CancelRequest. */
                interface $Properties {

                    /** CancelRequest targetId */
                    targetId?: (Long|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a CancelRequest. */
                type $Shape = estiba.isolation.v1.CancelRequest.$Properties;
            }

            /**
             * Properties of a PodInitDied.
             * @deprecated Use estiba.isolation.v1.PodInitDied.$Properties instead.
             */
            interface IPodInitDied extends estiba.isolation.v1.PodInitDied.$Properties {
            }

            /** Our pid 1 of a POD-mode pid namespace died, and with it every process in that namespace. */
            class PodInitDied {

                /**
                 * Constructs a new PodInitDied.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.isolation.v1.PodInitDied.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** PodInitDied exit. */
                exit?: (estiba.isolation.v1.ExitRecord.$Properties|null);

                /**
                 * Encodes the specified PodInitDied message. Does not implicitly {@link estiba.isolation.v1.PodInitDied.verify|verify} messages.
                 * @param message PodInitDied message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.isolation.v1.PodInitDied.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a PodInitDied message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.isolation.v1.PodInitDied & estiba.isolation.v1.PodInitDied.$Shape} PodInitDied
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.isolation.v1.PodInitDied & estiba.isolation.v1.PodInitDied.$Shape;
            }

            namespace PodInitDied {

                /** Properties of a PodInitDied. */
                interface $Properties {

                    /** PodInitDied exit */
                    exit?: (estiba.isolation.v1.ExitRecord.$Properties|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a PodInitDied. */
                type $Shape = estiba.isolation.v1.PodInitDied.$Properties;
            }
        }
    }
}
