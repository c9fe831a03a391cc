// Speaks to the Whereabouts API as the store: signs order tokens and webhooks (Standard Webhooks).
import { createHmac, randomUUID } from 'node:crypto';
import { select } from '@evershop/postgres-query-builder';
import { error } from '@evershop/evershop/lib/log';
import { pool } from '@evershop/evershop/lib/postgres';
import { getConfig } from '@evershop/evershop/lib/util/getConfig';

/** `whereabouts` in the store's configuration: `url`, `store`, `tokenSecret`, `webhookSecret`. */
const settings = () => getConfig('whereabouts', {});
const DAYS = 90;

/** The order token: opens this order's page for ninety days. */
export function token(orderUuid) {
  const { store, tokenSecret } = settings();
  if (!store || !tokenSecret) return null;
  const expires = Math.floor(Date.now() / 1000) + DAYS * 86_400;
  const signed = `v1.${store}.${Buffer.from(orderUuid).toString('base64url')}.${expires}`;
  return `${signed}.${createHmac('sha256', tokenSecret).update(signed).digest('hex')}`;
}

const minor = amount => Math.round(Number(amount) * 100);
const time = value => (value ? new Date(value).toISOString() : null);
const line = item => ({
  id: item.uuid, sku: item.product_sku, title: item.product_name, quantity: item.qty, price: minor(item.final_price), requires_shipping: !item.no_shipping_required,
});

/** All that is known of an order, so that it does not matter which event comes first or gets lost. */
async function facts(orderId) {
  const order = await select().from('order').where('order_id', '=', orderId).load(pool);
  if (!order) return null;
  const [address, items, shipments] = await Promise.all([
    select().from('order_address').where('order_address_id', '=', order.shipping_address_id).load(pool),
    select().from('order_item').where('order_item_order_id', '=', orderId).execute(pool),
    select().from('shipment').where('shipment_order_id', '=', orderId).execute(pool),
  ]);
  const fulfillments = await Promise.all(shipments.map(async shipment => {
    const parts = await select().from('shipment_item').where('shipment_id', '=', shipment.shipment_id).execute(pool);
    const delivered = shipment.delivered_at && { time: time(shipment.delivered_at), status: 'delivered' };
    return {
      id: shipment.uuid, order_id: order.uuid, status: shipment.canceled_at ? 'cancelled' : 'success',
      created_at: time(shipment.created_at), updated_at: time(shipment.updated_at),
      events: delivered ? [delivered] : [],
      lines: parts.flatMap(part => items.filter(i => i.order_item_id === part.order_item_id).map(i => ({ ...line(i), quantity: part.qty }))),
      tracking: [{ carrier: shipment.carrier === 'custom' ? null : shipment.carrier, number: shipment.tracking_number || shipment.uuid, url: shipment.tracking_url }],
    };
  }));
  const province = address?.province?.replace(/^[A-Z]{2}-/, '');
  return {
    orders: [{
      id: order.uuid, number: `#${order.order_number}`, placed_at: time(order.created_at), updated_at: time(order.updated_at),
      cancelled_at: /cancel/.test(order.status ?? '') ? time(order.updated_at) : null, financial_status: order.payment_status,
      email: order.customer_email, currency: order.currency, total: minor(order.grand_total),
      destination: { city: address?.city, region: province, postal_code: address?.postcode, country: address?.country },
      shipping_method: order.shipping_method_data?.name ?? null, lines: items.map(line), fulfillments,
    }],
  };
}

/** Tells the API; tries again a few times, since EverShop does not. */
export async function tell(orderId) {
  const { url, store, webhookSecret } = settings();
  if (!url || !store || !webhookSecret) return;
  const body = JSON.stringify(await facts(orderId));
  if (body === 'null') return;
  const id = `evershop-${randomUUID()}`;
  const key = Buffer.from(webhookSecret.replace(/^whsec_/, ''), 'base64');
  for (let n = 0; ; n++) {
    try {
      const timestamp = Math.floor(Date.now() / 1000);
      const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
      const answer = await fetch(`${url}/v1/webhooks/${store}/standard`, {
        method: 'POST', body, signal: AbortSignal.timeout(10_000),
        headers: { 'content-type': 'application/json', 'webhook-id': id, 'webhook-timestamp': `${timestamp}`, 'webhook-signature': `v1,${signature}` },
      });
      if (answer.ok) return;
      throw new Error(`HTTP ${answer.status}: ${await answer.text()}`);
    } catch (e) {
      if (n === 4) return error(`Whereabouts was not told of order ${orderId}: ${e.message}`);
      await new Promise(done => setTimeout(done, 500 * 4 ** n));
    }
  }
}
