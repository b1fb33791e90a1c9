/** Ids are branded so that a node's id cannot be passed where a file's is wanted. */
export type FileId = number & { readonly __file?: never }
export type NodeId = number & { readonly __node?: never }
export type ClientId = number & { readonly __client?: never }

export const ROOT_ID: FileId = 1

/** A name in a directory, a path below the root of the tree (no leading slash): bytes, in no encoding. */
export type Name = Buffer
export type Path = Buffer
