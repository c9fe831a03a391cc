import { tell } from '../../lib/whereabouts.js';

export default async function tellWhereabouts(order) {
  await tell(order.order_id);
}
