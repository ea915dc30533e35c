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
