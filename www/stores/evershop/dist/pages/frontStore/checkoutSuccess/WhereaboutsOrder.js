import React from 'react';

/** The live order on the thank-you page; the text inside stays where anything fails. */
export default function WhereaboutsOrder({ order }) {
  if (!order?.whereaboutsToken) return null;
  return React.createElement(
    'whereabouts-order',
    { token: order.whereaboutsToken, style: { display: 'block', minHeight: '12em' } },
    'Thank you. We are packing your order.',
  );
}

export const layout = { areaId: 'checkoutSuccessPageLeft', sortOrder: 5 };

export const query = `
  query Query {
    order (uuid: getContextValue('orderId')) {
      whereaboutsToken
    }
  }
`;
