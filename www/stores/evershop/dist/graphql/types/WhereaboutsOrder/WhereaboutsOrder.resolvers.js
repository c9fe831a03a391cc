import { token } from '../../../lib/whereabouts.js';

export default { Order: { whereaboutsToken: order => token(order.uuid) } };
