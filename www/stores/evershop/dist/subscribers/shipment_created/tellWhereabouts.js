import { tell } from '../../lib/whereabouts.js';

export default async function tellWhereabouts({ orderId }) {
  await tell(orderId);
}
