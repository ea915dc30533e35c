import * as $protobuf from "protobufjs/minimal.js";
import Long = require("long");

/** Namespace estiba. */
export namespace estiba {

    /** Namespace node. */
    namespace node {

        /** Namespace v1. */
        namespace v1 {

            /** Represents a NodeService */
            class NodeService extends $protobuf.rpc.Service {

                /**
                 * Constructs a new NodeService service.
                 * @param rpcImpl RPC implementation
                 * @param [requestDelimited=false] Whether requests are length-delimited
                 * @param [responseDelimited=false] Whether responses are length-delimited
                 */
                constructor(rpcImpl: $protobuf.RPCImpl, requestDelimited?: boolean, responseDelimited?: boolean);

                /**
                 * Imports every image of an archive or a layout that stands on this host. Messages come as the
                 * work goes on; the last one has `done` set. An error leaves nothing of the image that failed;
                 * images of the same archive that were already announced stay.
                 *
                 * Errors: NOT_FOUND (no such path), INVALID_ARGUMENT (not an image archive, a digest that does not
                 * match, a bad name), FAILED_PRECONDITION (no image for this host's platform), UNIMPLEMENTED
                 * (a media type, named), RESOURCE_EXHAUSTED (larger than the limits).
                 */
                importImages: estiba.node.v1.NodeService.ImportImages;

                /**
                 * Pulls an image as CRI's PullImage does, telling how far it is; equal pulls of both are joined.
                 * The last message has `image` set. An error leaves nothing of the image but blobs that the next
                 * pull goes on with; status and message are those of CRI's call.
                 */
                pullImage: estiba.node.v1.NodeService.PullImage;

                /**
                 * Says which hosts a pull would ask, in which order, how, and why. Holds no secret.
                 *
                 * Errors: INVALID_ARGUMENT (not a reference), FAILED_PRECONDITION (a broken hosts file). What is
                 * wrong with a single host stands in its `problem`.
                 */
                explainImage: estiba.node.v1.NodeService.ExplainImage;
            }

            namespace NodeService {

                /**
                 * Callback as used by {@link estiba.node.v1.NodeService#importImages}.
                 * @param error Error, if any
                 * @param [response] ImportProgress
                 */
                type ImportImagesCallback = (error: (Error|null), response?: estiba.node.v1.ImportProgress) => void;

                /**
                 * Imports every image of an archive or a layout that stands on this host. Messages come as the
                 * work goes on; the last one has `done` set. An error leaves nothing of the image that failed;
                 * images of the same archive that were already announced stay.
                 *
                 * Errors: NOT_FOUND (no such path), INVALID_ARGUMENT (not an image archive, a digest that does not
                 * match, a bad name), FAILED_PRECONDITION (no image for this host's platform), UNIMPLEMENTED
                 * (a media type, named), RESOURCE_EXHAUSTED (larger than the limits).
                 */
                type ImportImages = {
                  (request: estiba.node.v1.IImportImagesRequest, callback: estiba.node.v1.NodeService.ImportImagesCallback): void;
                  (request: estiba.node.v1.IImportImagesRequest): Promise<estiba.node.v1.ImportProgress>;
                  readonly name: "ImportImages";
                  readonly path: "/estiba.node.v1.NodeService/ImportImages";
                  readonly requestType: "ImportImagesRequest";
                  readonly responseType: "ImportProgress";
                  readonly requestStream: undefined;
                  readonly responseStream: true;
                };

                /**
                 * Callback as used by {@link estiba.node.v1.NodeService#pullImage}.
                 * @param error Error, if any
                 * @param [response] PullProgress
                 */
                type PullImageCallback = (error: (Error|null), response?: estiba.node.v1.PullProgress) => void;

                /**
                 * Pulls an image as CRI's PullImage does, telling how far it is; equal pulls of both are joined.
                 * The last message has `image` set. An error leaves nothing of the image but blobs that the next
                 * pull goes on with; status and message are those of CRI's call.
                 */
                type PullImage = {
                  (request: estiba.node.v1.IPullImageRequest, callback: estiba.node.v1.NodeService.PullImageCallback): void;
                  (request: estiba.node.v1.IPullImageRequest): Promise<estiba.node.v1.PullProgress>;
                  readonly name: "PullImage";
                  readonly path: "/estiba.node.v1.NodeService/PullImage";
                  readonly requestType: "PullImageRequest";
                  readonly responseType: "PullProgress";
                  readonly requestStream: undefined;
                  readonly responseStream: true;
                };

                /**
                 * Callback as used by {@link estiba.node.v1.NodeService#explainImage}.
                 * @param error Error, if any
                 * @param [response] ExplainImageResponse
                 */
                type ExplainImageCallback = (error: (Error|null), response?: estiba.node.v1.ExplainImageResponse) => void;

                /**
                 * Says which hosts a pull would ask, in which order, how, and why. Holds no secret.
                 *
                 * Errors: INVALID_ARGUMENT (not a reference), FAILED_PRECONDITION (a broken hosts file). What is
                 * wrong with a single host stands in its `problem`.
                 */
                type ExplainImage = {
                  (request: estiba.node.v1.IExplainImageRequest, callback: estiba.node.v1.NodeService.ExplainImageCallback): void;
                  (request: estiba.node.v1.IExplainImageRequest): Promise<estiba.node.v1.ExplainImageResponse>;
                  readonly name: "ExplainImage";
                  readonly path: "/estiba.node.v1.NodeService/ExplainImage";
                  readonly requestType: "ExplainImageRequest";
                  readonly responseType: "ExplainImageResponse";
                  readonly requestStream: undefined;
                  readonly responseStream: undefined;
                };
            }

            /**
             * Properties of a RegistryAuth.
             * @deprecated Use estiba.node.v1.RegistryAuth.$Properties instead.
             */
            interface IRegistryAuth extends estiba.node.v1.RegistryAuth.$Properties {
            }

            /** CRI's AuthConfig. */
            class RegistryAuth {

                /**
                 * Constructs a new RegistryAuth.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.node.v1.RegistryAuth.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** RegistryAuth username. */
                username: string;

                /** RegistryAuth password. */
                password: string;

                /** base64 of user:password. */
                auth: string;

                /** RegistryAuth serverAddress. */
                serverAddress: string;

                /** RegistryAuth identityToken. */
                identityToken: string;

                /** RegistryAuth registryToken. */
                registryToken: string;

                /**
                 * Encodes the specified RegistryAuth message. Does not implicitly {@link estiba.node.v1.RegistryAuth.verify|verify} messages.
                 * @param message RegistryAuth message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.node.v1.RegistryAuth.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a RegistryAuth message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.node.v1.RegistryAuth & estiba.node.v1.RegistryAuth.$Shape} RegistryAuth
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.node.v1.RegistryAuth & estiba.node.v1.RegistryAuth.$Shape;
            }

            namespace RegistryAuth {

                /** Properties of a RegistryAuth. */
                interface $Properties {

                    /** RegistryAuth username */
                    username?: (string|null);

                    /** RegistryAuth password */
                    password?: (string|null);

                    /** base64 of user:password. */
                    auth?: (string|null);

                    /** RegistryAuth serverAddress */
                    serverAddress?: (string|null);

                    /** RegistryAuth identityToken */
                    identityToken?: (string|null);

                    /** RegistryAuth registryToken */
                    registryToken?: (string|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a RegistryAuth. */
                type $Shape = estiba.node.v1.RegistryAuth.$Properties;
            }

            /**
             * Properties of a PullImageRequest.
             * @deprecated Use estiba.node.v1.PullImageRequest.$Properties instead.
             */
            interface IPullImageRequest extends estiba.node.v1.PullImageRequest.$Properties {
            }

            /** Represents a PullImageRequest. */
            class PullImageRequest {

                /**
                 * Constructs a new PullImageRequest.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.node.v1.PullImageRequest.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Reference as users write it; defaults are filled in. */
                image: string;

                /** PullImageRequest auth. */
                auth?: (estiba.node.v1.RegistryAuth.$Properties|null);

                /**
                 * Encodes the specified PullImageRequest message. Does not implicitly {@link estiba.node.v1.PullImageRequest.verify|verify} messages.
                 * @param message PullImageRequest message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.node.v1.PullImageRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a PullImageRequest message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.node.v1.PullImageRequest & estiba.node.v1.PullImageRequest.$Shape} PullImageRequest
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.node.v1.PullImageRequest & estiba.node.v1.PullImageRequest.$Shape;
            }

            namespace PullImageRequest {

                /** Properties of a PullImageRequest. */
                interface $Properties {

                    /** Reference as users write it; defaults are filled in. */
                    image?: (string|null);

                    /** PullImageRequest auth */
                    auth?: (estiba.node.v1.RegistryAuth.$Properties|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a PullImageRequest. */
                type $Shape = estiba.node.v1.PullImageRequest.$Properties;
            }

            /**
             * Properties of a PullProgress.
             * @deprecated Use estiba.node.v1.PullProgress.$Properties instead.
             */
            interface IPullProgress extends estiba.node.v1.PullProgress.$Properties {
            }

            /** The whole state of a pull; messages that come in between may be left out. */
            class PullProgress {

                /**
                 * Constructs a new PullProgress.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.node.v1.PullProgress.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** With all defaults spelled out. */
                reference: string;

                /** What the reference stands for; "" until that is known. */
                digest: string;

                /** Host that said so. */
                host: string;

                /** Bottom to top; empty until the manifest is read, and for an image that is there already. */
                layers: estiba.node.v1.PulledLayer.$Properties[];

                /** Set in the last message only. */
                image?: (estiba.node.v1.ImportedImage.$Properties|null);

                /**
                 * Encodes the specified PullProgress message. Does not implicitly {@link estiba.node.v1.PullProgress.verify|verify} messages.
                 * @param message PullProgress message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.node.v1.PullProgress.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a PullProgress message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.node.v1.PullProgress & estiba.node.v1.PullProgress.$Shape} PullProgress
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.node.v1.PullProgress & estiba.node.v1.PullProgress.$Shape;
            }

            namespace PullProgress {

                /** Properties of a PullProgress. */
                interface $Properties {

                    /** With all defaults spelled out. */
                    reference?: (string|null);

                    /** What the reference stands for; "" until that is known. */
                    digest?: (string|null);

                    /** Host that said so. */
                    host?: (string|null);

                    /** Bottom to top; empty until the manifest is read, and for an image that is there already. */
                    layers?: (estiba.node.v1.PulledLayer.$Properties[]|null);

                    /** Set in the last message only. */
                    image?: (estiba.node.v1.ImportedImage.$Properties|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a PullProgress. */
                type $Shape = estiba.node.v1.PullProgress.$Properties;
            }

            /** PulledLayerState enum. */
            enum PulledLayerState {

                /** PULLED_LAYER_STATE_UNSPECIFIED value */
                PULLED_LAYER_STATE_UNSPECIFIED = 0,

                /** Its turn has not come, or another pull brings it. */
                PULLED_LAYER_STATE_WAITING = 1,

                /** PULLED_LAYER_STATE_PULLING value */
                PULLED_LAYER_STATE_PULLING = 2,

                /** PULLED_LAYER_STATE_DONE value */
                PULLED_LAYER_STATE_DONE = 3,

                /** It was stored before. */
                PULLED_LAYER_STATE_PRESENT = 4
            }

            /**
             * Properties of a PulledLayer.
             * @deprecated Use estiba.node.v1.PulledLayer.$Properties instead.
             */
            interface IPulledLayer extends estiba.node.v1.PulledLayer.$Properties {
            }

            /** Represents a PulledLayer. */
            class PulledLayer {

                /**
                 * Constructs a new PulledLayer.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.node.v1.PulledLayer.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Of the blob, as the manifest has it; all figures are bytes of the blob. */
                digest: string;

                /** PulledLayer size. */
                size: Long;

                /** PulledLayer state. */
                state: estiba.node.v1.PulledLayerState;

                /** There, from disk or from the network. */
                receivedBytes: Long;

                /** Of these, what came over the network during this pull. */
                fetchedBytes: Long;

                /** PulledLayer unpackedBytes. */
                unpackedBytes: Long;

                /**
                 * Encodes the specified PulledLayer message. Does not implicitly {@link estiba.node.v1.PulledLayer.verify|verify} messages.
                 * @param message PulledLayer message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.node.v1.PulledLayer.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a PulledLayer message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.node.v1.PulledLayer & estiba.node.v1.PulledLayer.$Shape} PulledLayer
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.node.v1.PulledLayer & estiba.node.v1.PulledLayer.$Shape;
            }

            namespace PulledLayer {

                /** Properties of a PulledLayer. */
                interface $Properties {

                    /** Of the blob, as the manifest has it; all figures are bytes of the blob. */
                    digest?: (string|null);

                    /** PulledLayer size */
                    size?: (Long|null);

                    /** PulledLayer state */
                    state?: (estiba.node.v1.PulledLayerState|null);

                    /** There, from disk or from the network. */
                    receivedBytes?: (Long|null);

                    /** Of these, what came over the network during this pull. */
                    fetchedBytes?: (Long|null);

                    /** PulledLayer unpackedBytes */
                    unpackedBytes?: (Long|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a PulledLayer. */
                type $Shape = estiba.node.v1.PulledLayer.$Properties;
            }

            /**
             * Properties of an ExplainImageRequest.
             * @deprecated Use estiba.node.v1.ExplainImageRequest.$Properties instead.
             */
            interface IExplainImageRequest extends estiba.node.v1.ExplainImageRequest.$Properties {
            }

            /** Represents an ExplainImageRequest. */
            class ExplainImageRequest {

                /**
                 * Constructs a new ExplainImageRequest.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.node.v1.ExplainImageRequest.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** ExplainImageRequest image. */
                image: string;

                /** ExplainImageRequest auth. */
                auth?: (estiba.node.v1.RegistryAuth.$Properties|null);

                /** Also asks every host (a HEAD request each). */
                probe: boolean;

                /**
                 * Encodes the specified ExplainImageRequest message. Does not implicitly {@link estiba.node.v1.ExplainImageRequest.verify|verify} messages.
                 * @param message ExplainImageRequest message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.node.v1.ExplainImageRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes an ExplainImageRequest message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.node.v1.ExplainImageRequest & estiba.node.v1.ExplainImageRequest.$Shape} ExplainImageRequest
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.node.v1.ExplainImageRequest & estiba.node.v1.ExplainImageRequest.$Shape;
            }

            namespace ExplainImageRequest {

                /** Properties of an ExplainImageRequest. */
                interface $Properties {

                    /** ExplainImageRequest image */
                    image?: (string|null);

                    /** ExplainImageRequest auth */
                    auth?: (estiba.node.v1.RegistryAuth.$Properties|null);

                    /** Also asks every host (a HEAD request each). */
                    probe?: (boolean|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of an ExplainImageRequest. */
                type $Shape = estiba.node.v1.ExplainImageRequest.$Properties;
            }

            /**
             * Properties of an ExplainImageResponse.
             * @deprecated Use estiba.node.v1.ExplainImageResponse.$Properties instead.
             */
            interface IExplainImageResponse extends estiba.node.v1.ExplainImageResponse.$Properties {
            }

            /** Represents an ExplainImageResponse. */
            class ExplainImageResponse {

                /**
                 * Constructs a new ExplainImageResponse.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.node.v1.ExplainImageResponse.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** ExplainImageResponse reference. */
                reference: string;

                /** ExplainImageResponse domain. */
                domain: string;

                /** File or directory that decided, "" for none. */
                source: string;

                /** ExplainImageResponse notes. */
                notes: string[];

                /** In the order in which they are tried. */
                hosts: estiba.node.v1.ExplainedHost.$Properties[];

                /**
                 * Encodes the specified ExplainImageResponse message. Does not implicitly {@link estiba.node.v1.ExplainImageResponse.verify|verify} messages.
                 * @param message ExplainImageResponse message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.node.v1.ExplainImageResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes an ExplainImageResponse message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.node.v1.ExplainImageResponse & estiba.node.v1.ExplainImageResponse.$Shape} ExplainImageResponse
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.node.v1.ExplainImageResponse & estiba.node.v1.ExplainImageResponse.$Shape;
            }

            namespace ExplainImageResponse {

                /** Properties of an ExplainImageResponse. */
                interface $Properties {

                    /** ExplainImageResponse reference */
                    reference?: (string|null);

                    /** ExplainImageResponse domain */
                    domain?: (string|null);

                    /** File or directory that decided, "" for none. */
                    source?: (string|null);

                    /** ExplainImageResponse notes */
                    notes?: (string[]|null);

                    /** In the order in which they are tried. */
                    hosts?: (estiba.node.v1.ExplainedHost.$Properties[]|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of an ExplainImageResponse. */
                type $Shape = estiba.node.v1.ExplainImageResponse.$Properties;
            }

            /**
             * Properties of an ExplainedHost.
             * @deprecated Use estiba.node.v1.ExplainedHost.$Properties instead.
             */
            interface IExplainedHost extends estiba.node.v1.ExplainedHost.$Properties {
            }

            /** Represents an ExplainedHost. */
            class ExplainedHost {

                /**
                 * Constructs a new ExplainedHost.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.node.v1.ExplainedHost.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** "https://registry-1.docker.io/v2". */
                url: string;

                /** File and key that name this host, or "built in". */
                origin: string;

                /** "pull", "resolve", "push". */
                capabilities: string[];

                /** The registry that the reference names; all others are mirrors. */
                upstream: boolean;

                /** Value of the query parameter ns, "" for none. */
                namespace: string;

                /** Its certificate is checked. */
                verified: boolean;

                /** Trusted beside the system's CAs. */
                caFiles: string[];

                /** ExplainedHost clientCertificates. */
                clientCertificates: string[];

                /** Plain HTTP is spoken when the host does not speak TLS. */
                mayFallBackToHttp: boolean;

                /** Names of headers that the file adds. */
                headers: string[];

                /** Without its password; "" for a direct connection. */
                proxy: string;

                /** "none", "password", "identity-token", "registry-token", and where from. */
                credentials: string;

                /** ExplainedHost credentialsSource. */
                credentialsSource: string;

                /** What is wrong with this host's configuration, "" for nothing. */
                problem: string;

                /** Set when the host was asked. */
                probe?: (estiba.node.v1.HostProbe.$Properties|null);

                /**
                 * Encodes the specified ExplainedHost message. Does not implicitly {@link estiba.node.v1.ExplainedHost.verify|verify} messages.
                 * @param message ExplainedHost message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.node.v1.ExplainedHost.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes an ExplainedHost message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.node.v1.ExplainedHost & estiba.node.v1.ExplainedHost.$Shape} ExplainedHost
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.node.v1.ExplainedHost & estiba.node.v1.ExplainedHost.$Shape;
            }

            namespace ExplainedHost {

                /** Properties of an ExplainedHost. */
                interface $Properties {

                    /** "https://registry-1.docker.io/v2". */
                    url?: (string|null);

                    /** File and key that name this host, or "built in". */
                    origin?: (string|null);

                    /** "pull", "resolve", "push". */
                    capabilities?: (string[]|null);

                    /** The registry that the reference names; all others are mirrors. */
                    upstream?: (boolean|null);

                    /** Value of the query parameter ns, "" for none. */
                    namespace?: (string|null);

                    /** Its certificate is checked. */
                    verified?: (boolean|null);

                    /** Trusted beside the system's CAs. */
                    caFiles?: (string[]|null);

                    /** ExplainedHost clientCertificates */
                    clientCertificates?: (string[]|null);

                    /** Plain HTTP is spoken when the host does not speak TLS. */
                    mayFallBackToHttp?: (boolean|null);

                    /** Names of headers that the file adds. */
                    headers?: (string[]|null);

                    /** Without its password; "" for a direct connection. */
                    proxy?: (string|null);

                    /** "none", "password", "identity-token", "registry-token", and where from. */
                    credentials?: (string|null);

                    /** ExplainedHost credentialsSource */
                    credentialsSource?: (string|null);

                    /** What is wrong with this host's configuration, "" for nothing. */
                    problem?: (string|null);

                    /** Set when the host was asked. */
                    probe?: (estiba.node.v1.HostProbe.$Properties|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of an ExplainedHost. */
                type $Shape = estiba.node.v1.ExplainedHost.$Properties;
            }

            /**
             * Properties of a HostProbe.
             * @deprecated Use estiba.node.v1.HostProbe.$Properties instead.
             */
            interface IHostProbe extends estiba.node.v1.HostProbe.$Properties {
            }

            /** Represents a HostProbe. */
            class HostProbe {

                /**
                 * Constructs a new HostProbe.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.node.v1.HostProbe.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Digest of what the reference stands for there. */
                digest: string;

                /** HostProbe mediaType. */
                mediaType: string;

                /** "" when it answered. */
                error: string;

                /** HostProbe elapsedMs. */
                elapsedMs: number;

                /**
                 * Encodes the specified HostProbe message. Does not implicitly {@link estiba.node.v1.HostProbe.verify|verify} messages.
                 * @param message HostProbe message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.node.v1.HostProbe.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a HostProbe message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.node.v1.HostProbe & estiba.node.v1.HostProbe.$Shape} HostProbe
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.node.v1.HostProbe & estiba.node.v1.HostProbe.$Shape;
            }

            namespace HostProbe {

                /** Properties of a HostProbe. */
                interface $Properties {

                    /** Digest of what the reference stands for there. */
                    digest?: (string|null);

                    /** HostProbe mediaType */
                    mediaType?: (string|null);

                    /** "" when it answered. */
                    error?: (string|null);

                    /** HostProbe elapsedMs */
                    elapsedMs?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a HostProbe. */
                type $Shape = estiba.node.v1.HostProbe.$Properties;
            }

            /**
             * Properties of an ImportImagesRequest.
             * @deprecated Use estiba.node.v1.ImportImagesRequest.$Properties instead.
             */
            interface IImportImagesRequest extends estiba.node.v1.ImportImagesRequest.$Properties {
            }

            /** Represents an ImportImagesRequest. */
            class ImportImagesRequest {

                /**
                 * Constructs a new ImportImagesRequest.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.node.v1.ImportImagesRequest.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /**
                 * Absolute path of an OCI archive, an OCI layout directory or a docker archive; an archive may be
                 * compressed as a whole (gzip, zstd).
                 */
                path: string;

                /**
                 * Removes the file afterwards, also on failure. Only allowed for files directly in the server's
                 * ingest directory; the error for another path names that directory.
                 */
                removeSource: boolean;

                /** Additional names for the image. Only allowed when the archive holds one image. */
                tags: string[];

                /** Repository for archives that name an image by its tag alone ("latest"); "" leaves those untagged. */
                baseName: string;

                /**
                 * Encodes the specified ImportImagesRequest message. Does not implicitly {@link estiba.node.v1.ImportImagesRequest.verify|verify} messages.
                 * @param message ImportImagesRequest message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.node.v1.ImportImagesRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes an ImportImagesRequest message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.node.v1.ImportImagesRequest & estiba.node.v1.ImportImagesRequest.$Shape} ImportImagesRequest
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.node.v1.ImportImagesRequest & estiba.node.v1.ImportImagesRequest.$Shape;
            }

            namespace ImportImagesRequest {

                /** Properties of an ImportImagesRequest. */
                interface $Properties {

                    /**
                     * Absolute path of an OCI archive, an OCI layout directory or a docker archive; an archive may be
                     * compressed as a whole (gzip, zstd).
                     */
                    path?: (string|null);

                    /**
                     * Removes the file afterwards, also on failure. Only allowed for files directly in the server's
                     * ingest directory; the error for another path names that directory.
                     */
                    removeSource?: (boolean|null);

                    /** Additional names for the image. Only allowed when the archive holds one image. */
                    tags?: (string[]|null);

                    /** Repository for archives that name an image by its tag alone ("latest"); "" leaves those untagged. */
                    baseName?: (string|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of an ImportImagesRequest. */
                type $Shape = estiba.node.v1.ImportImagesRequest.$Properties;
            }

            /**
             * Properties of an ImportProgress.
             * @deprecated Use estiba.node.v1.ImportProgress.$Properties instead.
             */
            interface IImportProgress extends estiba.node.v1.ImportProgress.$Properties {
            }

            /** Represents an ImportProgress. */
            class ImportProgress {

                /**
                 * Constructs a new ImportProgress.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.node.v1.ImportProgress.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Layer being unpacked: its digest (diff id where the archive gives no other). */
                layer: string;

                /** Position of that layer, from 1, and how many layers its image has. */
                layerNumber: number;

                /** ImportProgress layerCount. */
                layerCount: number;

                /** Bytes of the layer's blob that are unpacked; `blob_total` is its length. */
                blobBytes: Long;

                /** ImportProgress blobTotal. */
                blobTotal: Long;

                /** Set once for every image, as soon as it is committed. */
                image?: (estiba.node.v1.ImportedImage.$Properties|null);

                /** ImportProgress done. */
                done: boolean;

                /**
                 * Encodes the specified ImportProgress message. Does not implicitly {@link estiba.node.v1.ImportProgress.verify|verify} messages.
                 * @param message ImportProgress message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.node.v1.ImportProgress.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes an ImportProgress message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.node.v1.ImportProgress & estiba.node.v1.ImportProgress.$Shape} ImportProgress
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.node.v1.ImportProgress & estiba.node.v1.ImportProgress.$Shape;
            }

            namespace ImportProgress {

                /** Properties of an ImportProgress. */
                interface $Properties {

                    /** Layer being unpacked: its digest (diff id where the archive gives no other). */
                    layer?: (string|null);

                    /** Position of that layer, from 1, and how many layers its image has. */
                    layerNumber?: (number|null);

                    /** ImportProgress layerCount */
                    layerCount?: (number|null);

                    /** Bytes of the layer's blob that are unpacked; `blob_total` is its length. */
                    blobBytes?: (Long|null);

                    /** ImportProgress blobTotal */
                    blobTotal?: (Long|null);

                    /** Set once for every image, as soon as it is committed. */
                    image?: (estiba.node.v1.ImportedImage.$Properties|null);

                    /** ImportProgress done */
                    done?: (boolean|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of an ImportProgress. */
                type $Shape = estiba.node.v1.ImportProgress.$Properties;
            }

            /**
             * Properties of an ImportedImage.
             * @deprecated Use estiba.node.v1.ImportedImage.$Properties instead.
             */
            interface IImportedImage extends estiba.node.v1.ImportedImage.$Properties {
            }

            /** Represents an ImportedImage. */
            class ImportedImage {

                /**
                 * Constructs a new ImportedImage.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: estiba.node.v1.ImportedImage.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Config digest: the id that every CRI call uses. */
                id: string;

                /** ImportedImage repoTags. */
                repoTags: string[];

                /** ImportedImage repoDigests. */
                repoDigests: string[];

                /** Bytes of manifest, config and layer blobs. */
                size: Long;

                /** Layers that were stored before and have not been read again. */
                layersPresent: number;

                /** ImportedImage layersUnpacked. */
                layersUnpacked: number;

                /**
                 * Encodes the specified ImportedImage message. Does not implicitly {@link estiba.node.v1.ImportedImage.verify|verify} messages.
                 * @param message ImportedImage message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: estiba.node.v1.ImportedImage.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes an ImportedImage message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {estiba.node.v1.ImportedImage & estiba.node.v1.ImportedImage.$Shape} ImportedImage
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): estiba.node.v1.ImportedImage & estiba.node.v1.ImportedImage.$Shape;
            }

            namespace ImportedImage {

                /** Properties of an ImportedImage. */
                interface $Properties {

                    /** Config digest: the id that every CRI call uses. */
                    id?: (string|null);

                    /** ImportedImage repoTags */
                    repoTags?: (string[]|null);

                    /** ImportedImage repoDigests */
                    repoDigests?: (string[]|null);

                    /** Bytes of manifest, config and layer blobs. */
                    size?: (Long|null);

                    /** Layers that were stored before and have not been read again. */
                    layersPresent?: (number|null);

                    /** ImportedImage layersUnpacked */
                    layersUnpacked?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of an ImportedImage. */
                type $Shape = estiba.node.v1.ImportedImage.$Properties;
            }
        }
    }
}
