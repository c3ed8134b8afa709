// host_page.js: the view in a file of its own. Last in the module; the blob lies in the page as base64.
import {mount} from "./patch_view.js";

const text = atob(document.getElementById("blob").textContent), bytes = new Uint8Array(text.length);
for (let n = 0; n < text.length; n++) bytes[n] = text.charCodeAt(n);
mount(document.getElementById("view"), bytes);
