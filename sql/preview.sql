--
-- Previews: what would be sent, to the byte, with known answers
--
-- The signatures are checked against the vectors of the providers' documents,
-- and beyond these against HMAC written here in SQL, which shares no code with
-- what it checks.
--

SET client_min_messages = warning;		-- not about CASCADE

CREATE FUNCTION hmac(hash text, secret text, message text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	size int := CASE hash WHEN 'sha256' THEN 64 ELSE 128 END;
	key bytea := convert_to(secret, 'UTF8');
	inner_key bytea := '';
	outer_key bytea := '';
	byte int;
	digest bytea;
BEGIN
	FOR i IN 0 .. size - 1 LOOP
		byte := CASE WHEN i < length(key) THEN get_byte(key, i) ELSE 0 END;
		inner_key := inner_key || set_byte('\x00', 0, byte # 54);
		outer_key := outer_key || set_byte('\x00', 0, byte # 92);
	END LOOP;
	EXECUTE format('SELECT %I($1)', hash) INTO digest USING inner_key || convert_to(message, 'UTF8');
	EXECUTE format('SELECT %I($1)', hash) INTO digest USING outer_key || digest;
	RETURN encode(digest, 'hex');
END
$$;
-- RFC 4231, test case 2
SELECT hmac('sha256', 'Jefe', 'what do ya want for nothing?') = '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843' AS sha256,
	hmac('sha384', 'Jefe', 'what do ya want for nothing?') = 'af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649' AS sha384;

CREATE FUNCTION unescaped(percent_encoded text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	bytes bytea := '';
	part text;
BEGIN
	FOR part IN SELECT (regexp_matches(percent_encoded, '%..|[^%]+', 'g'))[1] LOOP
		bytes := bytes || CASE WHEN part LIKE '\%%' THEN decode(substr(part, 2), 'hex') ELSE convert_to(part, 'UTF8') END;
	END LOOP;
	RETURN convert_from(bytes, 'UTF8');
END
$$;

-- The fields of a form or query, decoded, in their order.
CREATE FUNCTION fields(form text, OUT n bigint, OUT name text, OUT value text) RETURNS SETOF record
LANGUAGE sql AS $$
	SELECT n, unescaped(split_part(field, '=', 1)), unescaped(split_part(field, '=', 2))
	FROM regexp_split_to_table(regexp_replace(form, '^[^?]*\?', ''), '&') WITH ORDINALITY f (field, n)
$$;
CREATE FUNCTION field(form text, wanted text) RETURNS text
LANGUAGE sql AS $$
	SELECT value FROM fields(form) WHERE name = wanted
$$;

-- A moment, given in milliseconds since 1970
CREATE FUNCTION at_ms(ms bigint) RETURNS timestamptz
LANGUAGE sql AS $$
	SELECT timestamptz 'epoch' + (ms / 1000) * interval '1 s' + (ms % 1000) * interval '1 ms'
$$;

\x on

--
-- XT
--
CREATE SERVER xt FOREIGN DATA WRAPPER xt_fdw;
CREATE USER MAPPING FOR CURRENT_USER SERVER xt OPTIONS (access_key 'myAccessKey', secret_key 'mySecretKey');
-- the vector: 00cf95fc...
SELECT * FROM batch_cancel_preview('btc_usdt', '{123,456,789}'::bigint[], at => at_ms(1562919832183));
SELECT * FROM fields((SELECT body FROM batch_cancel_preview('btc_usdt', '{123,456,789}'::bigint[], at => at_ms(1562919832183))));
-- the other reading of the document signs the JSON itself
CREATE SERVER "xt decoded" FOREIGN DATA WRAPPER xt_fdw OPTIONS (signed_data 'decoded', base_url 'https://example.com/xt/');
CREATE USER MAPPING FOR CURRENT_USER SERVER "xt decoded" OPTIONS (access_key 'myAccessKey', secret_key 'mySecretKey');
SELECT url, body, field(body, 'signature') = hmac('sha256', 'mySecretKey',
	'accesskey=myAccessKey&data=[123,456,789]&market=btc_usdt&nonce=1562919832183') AS signed_data_decoded
FROM batch_cancel_preview('btc_usdt', '{123,456,789}'::bigint[], 'xt decoded', at_ms(1562919832183));
-- 250 ids of 19 digits: three requests, each with its own nonce and signature
\x off
WITH given AS (
	SELECT array_agg(6216559590087220004 + i) AS ids FROM generate_series(0, 249) i
), request AS (
	SELECT p.*, field(body, 'nonce') AS nonce,
		convert_from(decode(field(body, 'data'), 'base64'), 'UTF8') AS data
	FROM given, batch_cancel_preview('btc_usdt', given.ids, at => at_ms(1562919832183)) p
)
SELECT batch, ids, nonce,
	data = '[' || array_to_string((SELECT given.ids[batch * 100 - 99 : batch * 100] FROM given), ',') || ']' AS these_ids,
	position(E'\n' IN field(body, 'data')) = 0 AS one_line,
	field(body, 'signature') = hmac('sha256', 'mySecretKey', format('accesskey=myAccessKey&data=%s&market=btc_usdt&nonce=%s',
		field(body, 'data'), nonce)) AS signed
FROM request ORDER BY batch;
-- any batch_size up to the provider's
CREATE SERVER "xt small" FOREIGN DATA WRAPPER xt_fdw OPTIONS (batch_size '2');
CREATE USER MAPPING FOR CURRENT_USER SERVER "xt small" OPTIONS (access_key 'myAccessKey', secret_key 'mySecretKey');
SELECT batch, ids, field(body, 'nonce') FROM batch_cancel_preview('btc_usdt', '{1,2,3,4,5}', 'xt small', at_ms(1000));
-- values that need percent-encoding in the form are signed raw
CREATE SERVER "xt odd" FOREIGN DATA WRAPPER xt_fdw;
CREATE USER MAPPING FOR CURRENT_USER SERVER "xt odd" OPTIONS (access_key 'a&b=c+d/é %', secret_key 'sécret & more');
SELECT body, field(body, 'accesskey'), field(body, 'signature') = hmac('sha256', 'sécret & more',
	'accesskey=a&b=c+d/é %&data=WzEyMyw0NTYsNzg5XQ==&market=btc_usdt&nonce=1562919832183') AS signed
FROM batch_cancel_preview('btc_usdt', '{123,456,789}', 'xt odd', at_ms(1562919832183));
-- at defaults to now
SELECT abs(extract(epoch FROM now()) * 1000 - field(body, 'nonce')::numeric) < 1 AS now FROM batch_cancel_preview('btc_usdt', '{1}');

--
-- TronSave
--
\x on
CREATE SERVER tronsave FOREIGN DATA WRAPPER tronsave_fdw;
CREATE USER MAPPING FOR CURRENT_USER SERVER tronsave OPTIONS (api_key 'hush-hush');
SELECT * FROM tronsave_cancel_preview('{6599c9a5d2c0d50008d3a8f1,6599c9a5d2c0d50008d3a8f2}'::text[]);
-- ids are strings, numbers too
SELECT body FROM tronsave_cancel_preview('{1,9007199254740993}'::bigint[]);
\x off
SELECT batch, ids, json_array_length(body::json -> 'order_ids') FROM tronsave_cancel_preview((SELECT array_agg(i) FROM generate_series(1, 250) i));
CREATE SERVER "tronsave large" FOREIGN DATA WRAPPER tronsave_fdw OPTIONS (batch_size '1000');
CREATE USER MAPPING FOR CURRENT_USER SERVER "tronsave large" OPTIONS (api_key 'hush-hush');
SELECT batch, ids FROM tronsave_cancel_preview((SELECT array_agg(i) FROM generate_series(1, 1001) i), 'tronsave large');

--
-- BTSE
--
\x on
CREATE SERVER btse FOREIGN DATA WRAPPER btse_fdw;
CREATE USER MAPPING FOR CURRENT_USER SERVER btse OPTIONS (api_key '4e9536c79f0fdd72bf04f2430982d3f61d9d76c996f0175bbba470d69d59816x',
	secret_key '848db84ac252b6726e5f6e7a711d9c96d9fd77d020151b45839a5b59c37203bx');
SELECT * FROM btse_cancel_preview('BTC-USD', '{d05f8a21-e2b7-4a9b-a54b-d1b0b7f8f8e1}'::uuid[], at => at_ms(1624985375123));
SELECT * FROM btse_cancel_preview('BTC-USD', '{mine-1}'::text[], 'client_order_id', at => at_ms(1624985375123));
\x off
-- the path is signed, without query and without what the base URL has before it
SELECT batch, ids, method, fields(url), headers ->> 'request-nonce' AS nonce,
	headers ->> 'request-sign' = hmac('sha384', '848db84ac252b6726e5f6e7a711d9c96d9fd77d020151b45839a5b59c37203bx',
		'/api/v3.3/order' || (headers ->> 'request-nonce')) AS signed
FROM btse_cancel_preview('BTC-USD', '{17,18,17}'::int[], at => at_ms(1624985375123));

--
-- Wangdian
--
\x on
CREATE SERVER wangdian FOREIGN DATA WRAPPER wangdian_fdw OPTIONS (allow_http 'true');
CREATE USER MAPPING FOR CURRENT_USER SERVER wangdian OPTIONS (sid 'demo_sid', app_key 'demo_key', app_secret 'testsecret:testsalt');
-- the vectors: eda046be..., 60be6e20...
SELECT * FROM wangdian_cancel_preview('{CR202211100001,CR202211100002,CR202211100003}'::text[],
	at => at_ms((343000000 + 1325347200) * 1000::bigint));
SELECT * FROM wangdian_cancel_preview('{采购退货-1}'::text[], at => at_ms((343000000 + 1325347200) * 1000::bigint));
\x off
-- at most 20 in one request; the signature by md5(), with the salt that is not shown
SELECT batch, ids, field(url, 'timestamp') AS "timestamp", field(url, 'salt') AS salt,
	body::json -> 0 ->> 0 AS first, body::json -> 0 ->> -1 AS last,
	field(url, 'sign') = md5('testsecret' || 'body' || body || 'keydemo_key' || 'methodpurchase.PurchaseReturn.batchCancelOrder' ||
		'salttestsalt' || 'siddemo_sid' || 'timestamp' || field(url, 'timestamp') || 'v1.0' || 'testsecret') AS signed
FROM wangdian_cancel_preview((SELECT array_agg('CR' || i) FROM generate_series(1, 41) i), at => at_ms((343000000 + 1325347200) * 1000::bigint + 998));
-- numbers that are one to its database never share a request, nor does one that could be equal to anything
SELECT batch, ids, body FROM wangdian_cancel_preview('{cr1,CR2,CR1,ＣＲ2,cr2,CR3}'::text[]);
SELECT batch, ids, body FROM wangdian_cancel_preview('{CR1,CRé,CR2,ß,CR3,CR3,cr3,采购-1,采购－1}'::text[]);
SELECT count(*), sum(ids), max(ids)
FROM wangdian_cancel_preview(ARRAY(SELECT CASE i % 2 WHEN 0 THEN 'cr' ELSE 'CR' END || i / 2 FROM generate_series(1, 1001) i));
SELECT count(*), sum(ids), max(ids)
FROM wangdian_cancel_preview(ARRAY(SELECT 'CR' || i FROM generate_series(1, 30) i) || ARRAY(SELECT 'cr' || i FROM generate_series(1, 30) i));

--
-- Ids with everything that means something to somebody on the way
--
\pset format unaligned
CREATE TABLE odd (id text);
INSERT INTO odd VALUES ('"'), ('it''s'), ('a"b\c'), ('a&b=c%d'), ('a+b c'), ('a/b?c#d'), ('a%26b'), ('采购退货-1'), ('é'),
	(U&'\+01F600'), ('],["x"'), ('{}'), ('a,b'), ('<script>'), ('${x}'), ('%00'), ('a;b'), (U&'a\200Bb');
SELECT id, body, body::json -> 0 ->> 0 = id AS same
FROM odd, wangdian_cancel_preview(ARRAY[id], at => at_ms(1668347200000));
SELECT id, url, field(url, 'orderID') = id AS same FROM odd, btse_cancel_preview('BTC-USD', ARRAY[id]);
SELECT count(*), bool_and(body::json -> 'order_ids' ->> 0 = id) AS same FROM odd, tronsave_cancel_preview(ARRAY[id]);
SELECT body::json -> 'order_ids' ->> 17 = U&'a\200Bb' AS same, json_array_length(body::json -> 'order_ids')
FROM tronsave_cancel_preview((SELECT array_agg(id) FROM odd));

--
-- No secret shows, whatever it looks like; what only names an account does
--
SELECT count(*), count(*) FILTER (WHERE p::text ~ 'mySecretKey|hush-hush|848db84a|testsecret|testsalt') AS shown,
	count(*) FILTER (WHERE p::text ~ 'myAccessKey|4e9536c7|demo_sid|demo_key') AS named,
	count(*) FILTER (WHERE p::text LIKE '%***%') AS masked
FROM (SELECT * FROM batch_cancel_preview('btc_usdt', '{1}')
	UNION ALL SELECT * FROM tronsave_cancel_preview('{1}')
	UNION ALL SELECT * FROM btse_cancel_preview('BTC-USD', '{1}')
	UNION ALL SELECT * FROM wangdian_cancel_preview('{1}')) p;

--
-- READ ONLY is all right, and so is calling it again
--
BEGIN READ ONLY;
SELECT batch, ids, method, url FROM batch_cancel_preview('btc_usdt', '{1}');
SELECT batch, ids, method, url FROM btse_cancel_preview('BTC-USD', '{a}');
COMMIT;
PREPARE preview AS SELECT ids, field(body, 'nonce') FROM batch_cancel_preview('btc_usdt', $1, at => at_ms($2));
EXECUTE preview ('{1,2}', 1000);
EXECUTE preview ('{1,2,3}', 2000);
DEALLOCATE preview;

DROP TABLE odd;
DROP SERVER xt, "xt decoded", "xt small", "xt odd", tronsave, "tronsave large", btse, wangdian CASCADE;
DROP FUNCTION hmac, unescaped, field, fields, at_ms;
