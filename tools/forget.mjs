// Empties what gives memory back: the widget's allocator (src/arena.rs) gives all of it back at once, when the next call begins, so that dropping a list
// or a text piece by piece does nothing. No compiler sees that through the standard library's layers; by their names it is plain.
import { readFileSync, writeFileSync } from 'node:fs';
import binaryen from 'binaryen';

const [file] = process.argv.slice(2);
// What is dropped has nothing but memory. (A guard that writes a length back, as `retain` has, is not among them.)
const own = 'alloc::(vec::Vec|vec::into_iter::IntoIter|raw_vec::RawVec|rc::Rc|rc::Weak|string::String)<';
const gives = new RegExp([
  `^<+${own}.* as core::ops::drop::Drop>::drop$`, `^core::ptr::drop_in_place::<(${own}|alloc::string::String>|core::option::Option<|promise::|view::|wire::)`,
  '^<alloc::raw_vec::RawVecInner>::deallocate$', '^<alloc::rc::Rc<.*>>::drop_slow$',
].join('|'));
binaryen.setDebugInfo(true); // names are still needed, for the graph of what is used
const module = binaryen.readBinary(readFileSync(file));
const { ReferenceTypes, BulkMemory, BulkMemoryOpt, Multivalue, NontrappingFPToInt, SignExt, MutableGlobals, CallIndirectOverlong } = binaryen.Features;
module.setFeatures(ReferenceTypes | BulkMemory | BulkMemoryOpt | Multivalue | NontrappingFPToInt | SignExt | MutableGlobals | CallIndirectOverlong);
let emptied = 0;
for (let n = 0; n < module.getNumFunctions(); n++) {
  const { name, results } = binaryen.getFunctionInfo(module.getFunctionByIndex(n));
  if (results !== binaryen.none || !gives.test(name.replace(/\[[0-9a-f]{16}\]/g, ''))) continue;
  binaryen.Function.setBody(module.getFunctionByIndex(n), module.nop());
  emptied++;
}
if (!emptied) throw new Error(`${file}: nothing that is dropped was found: are functions named otherwise now?`);
if (!module.validate()) throw new Error(`${file}: not valid any more`);
writeFileSync(file, module.emitBinary());
