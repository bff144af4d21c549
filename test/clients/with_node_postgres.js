// What a program does with node-postgres: one fact a line, for drivers.pl.
//
//     node with_node_postgres.js [pooled]
//
// "pooled" is through pgbouncer in transaction mode.

const { Client } = require('pg');
const pooled = process.argv.includes('pooled');

const IDS = `SELECT convert_from(decode((regexp_match(body, 'data=([^&]*)'))[1], 'base64'), 'UTF8')
    FROM batch_cancel_preview('btc_usdt', $1)`;
const SIZE = `SELECT body::json ->> 'size'
    FROM btse_create_order_preview('BTC-USD', 'BUY', 'LIMIT', $1, 1)`;
const ORDERS = `SELECT body::json ->> 'size' FROM btse_create_orders_preview($1)`;
const LIST = [{ symbol: 'BTC-USD', side: 'BUY', type: 'LIMIT', size: 0.002, price: 1 }];

const LEFT = `INSERT INTO cancel_log SELECT 4, now(), 'xt', c.*
    FROM batch_cancel('btc_usdt', ARRAY['3004']) AS c`;

const fact = (what, value) => console.log(`${what}: ${value}`);
const range = (first, n) => Array.from({ length: n }, (_, i) => String(first + i));

async function main() {
    const client = new Client();
    await client.connect();

    // the first value, or the error
    const ask = async (text, ...values) => {
        try {
            return (await client.query({ text, values, rowMode: 'array' })).rows[0][0];
        } catch (error) {
            return error.message;
        }
    };

    // 250 orders, and a look at the log
    const ids = range(1001, 250);
    const call = await client.query(`INSERT INTO cancel_log SELECT 250, now(), 'xt', c.*
        FROM batch_cancel('btc_usdt', $1) AS c`, [ids]);
    fact('rows', call.rowCount);
    const { rows } = await client.query(
        'SELECT order_id, outcome FROM cancel_log WHERE call_id = 250 ORDER BY ordinal');
    fact('in order', String(rows.map(row => row.order_id)) === String(ids));
    fact('outcomes', [...new Set(rows.map(row => row.outcome))]);

    // one statement, again and again
    const again = [];
    for (const id of range(2001, 7)) {
        const { rows } = await client.query({
            name: pooled ? undefined : 'one',
            text: `SELECT outcome FROM batch_cancel('btc_usdt', $1::bigint[])`,
            values: [[id]] });
        again.push(rows[0].outcome);
    }
    fact('again', again);
    fact('prepared', await ask(
        `SELECT count(*) > 0 FROM pg_prepared_statements WHERE statement ~ 'cancel'`));

    // no answer: the provider takes its time, and we do not
    try {
        await client.query('BEGIN');
        await client.query(`SET LOCAL statement_timeout = '2s'`);
        await client.query(`INSERT INTO cancel_log SELECT 3, now(), 'xt', c.*
            FROM batch_cancel('btc_usdt', ARRAY['3001']) AS c`);
        fact('timeout', 'none');
    } catch (error) {
        fact('timeout', error.code);
    }
    await client.query('ROLLBACK');
    fact('afterwards', await ask(`SELECT outcome FROM batch_cancel('btc_usdt', ARRAY[3002])`));

    // a timeout of the client's own: it leaves, and the call goes on
    if (!pooled) {
        const impatient = new Client({ query_timeout: 2000 });
        impatient.on('error', () => {});
        await impatient.connect();
        fact('left', await impatient.query(LEFT).then(() => 'no', error => error.message));
        impatient.connection.stream.destroy();
    }

    // what becomes of numbers
    const exact = await client.query(
        `SELECT order_id, outcome FROM batch_cancel('btc_usdt', $1::bigint[])`, [['6216559590087220004']]);
    fact('exact', [exact.rows[0].order_id, exact.rows[0].outcome]);
    fact('ids', await ask(IDS, [6216559590087220004n]));
    fact('text ids', await ask(IDS, ['6216559590087220004']));
    fact('number ids', await ask(IDS, [6216559590087220004]));
    fact('float', await ask(SIZE, 0.1 + 0.2));
    fact('decimal', await ask(SIZE, '0.0020'));
    fact('orders as text', await ask(ORDERS, JSON.stringify(LIST)));
    fact('orders as objects', await ask(ORDERS, LIST));
    fact('order_id of an array of text',
        typeof await ask(`SELECT order_id FROM batch_cancel('btc_usdt', $1)`, ['3003']));
    fact('response parsed', (await ask(`SELECT '{"orderId": 6216559590087220004}'::json`)).orderId);
    await client.end();
}

main().catch(error => { console.error(error); process.exit(1); });
