-- pgsql-http with pgcrypto, its connection kept open (http.keepalive).

CREATE FUNCTION peer_cancel_pgsql_http(market text, ids bigint[])
RETURNS TABLE (order_id bigint, code int, message text)
LANGUAGE plpgsql AS $$
DECLARE
	url text := current_setting('bench.url') || '/trade/api/v1/batchCancel';
	data text;
	nonce text;
	signature text;
	answer http_response;
BEGIN
	FOR first IN 1 .. cardinality(ids) BY 100 LOOP
		data := replace(encode(convert_to(to_json(ids[first : first + 99])::text,
										  'UTF8'), 'base64'), E'\n', '');
		nonce := (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
		signature := encode(hmac(format('accesskey=k&data=%s&market=%s&nonce=%s',
										data, market, nonce),
								 's', 'sha256'), 'hex');
		answer := http_post(url,
							format('accesskey=k&data=%s&market=%s&nonce=%s&signature=%s',
								   urlencode(data), market, nonce, signature),
							'application/x-www-form-urlencoded');
		IF answer.status <> 200 THEN
			RAISE 'status %', answer.status;
		END IF;
		RETURN QUERY
			SELECT o.id, o.code, o.msg
			FROM jsonb_to_recordset(answer.content::jsonb -> 'data')
				AS o (id bigint, code int, msg text);
	END LOOP;
END
$$;
