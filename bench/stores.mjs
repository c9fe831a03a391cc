export async function stores() { return []; }
