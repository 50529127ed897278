/** Whether this browser can draw the map; found out once, for every probe costs a drawing context. Unit
 * tests load this without a document. */
export const WEBGL = globalThis.document?.createElement('canvas').getContext('webgl2') != null;
