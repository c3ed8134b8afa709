// host_heads.js: all heads of a captured model on a page of their own. Last in the module; the blob lies in the page as
// base64, and every row is computed here, from q and k.
import {unpack} from "./rows.js";
import {mountHeads} from "./heads.js";

const coded = atob(document.getElementById("blob").textContent), raw = new Uint8Array(coded.length);
for (let n = 0; n < coded.length; n++) raw[n] = coded.charCodeAt(n);
const view = document.getElementById("view");
view.style.display = "block";
view.heads = mountHeads(view, unpack(raw));
