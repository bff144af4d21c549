/*-------------------------------------------------------------------------
 *
 * gateway_request.c
 *		A signed request, which wipes what secrets it holds when it goes; and
 *		the preview of all requests of a call.
 *
 * Each has a memory context of its own, below the current one, with a
 * callback that overwrites the values marked as secret and the URL.  So they
 * are gone also when an error, a cancel or a terminated backend ends things
 * early.
 *
 * A preview builds and signs the same requests as a call does.  It opens no
 * connection and touches no lane: the time of each request is given.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "gateway/gateway_internal.h"
#include "ground/crypto.h"

/*
 * Room for any URL: a base URL of at most 1 kB and credentials of at most
 * 1 kB each, tripled by percent-encoding.  A buffer that had to grow would
 * leave a copy behind that is not wiped.
 */
#define URL_ROOM	(16 * 1024)

static void
wipe_fields(const OgFields *fields)
{
	for (int i = 0; i < fields->count; i++)
	{
		const OgField *field = &fields->items[i];

		if (field->secret)
			og_wipe((char *) field->value, strlen(field->value));
	}
}

static void
wipe_request(void *arg)
{
	SignedRequest *request = arg;

	wipe_fields(&request->parts.query);
	wipe_fields(&request->parts.headers);
	if (request->url.data)
		og_wipe(request->url.data, request->url.len);
}

/*
 * Build and sign a request for these keys, stamped with a time; one that is
 * public is not signed.  Answers NULL when that cannot be done.
 */
SignedRequest *
og_signed_request(const OgAccount *account, const OgOperation *operation,
				  const OgBatch *asked, int64 time_ms)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "order_gateway request",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	SignedRequest *request = palloc0(sizeof(SignedRequest));
	OgSigner	signer;
	bool		done;

	signer.credentials = account->credentials;
	signer.settings = account->settings;
	signer.time_ms = time_ms;

	request->context = context;
	request->on_reset.func = wipe_request;
	request->on_reset.arg = request;
	og_request_init(&request->parts, OG_GET, "");
	MemoryContextRegisterResetCallback(context, &request->on_reset);
	done = og_build_request(operation, &request->parts, asked) &&
		(operation->kind == OG_PUBLIC ||
		 account->provider->sign(&request->parts, &signer));
	MemoryContextSwitchTo(old);

	if (done)
		return request;
	og_signed_free(request);
	return NULL;
}

/* The URL to send it to; lives as long as the request. */
static const char *
url_of(SignedRequest *request, const char *base_url)
{
	MemoryContext old = MemoryContextSwitchTo(request->context);

	initStringInfo(&request->url);
	enlargeStringInfo(&request->url, URL_ROOM);
	og_append_url(&request->url, base_url, &request->parts, false);
	MemoryContextSwitchTo(old);
	return request->url.data;
}

/* Hand it to the transport, which copies it; "sight" may be NULL. */
OgTransfer *
og_signed_start(SignedRequest *request, const OgAccount *account,
				OgHttp *http, OgHttpReady ready, void *owner, OgSight *sight)
{
	const OgRequest *parts = &request->parts;
	OgHttpRequest sent = {0};

	sent.method = og_method_name(parts->method);
	sent.url = url_of(request, account->base_url);
	sent.headers = &parts->headers;
	sent.body = og_slice(parts->body.len > 0 ? parts->body.data : NULL,
						 parts->body.len);
	sent.sslrootcert = account->sslrootcert;
	sent.connect_timeout_ms = account->connect_timeout;
	sent.timeout_ms = account->timeout;
	sent.max_response_size = account->max_response_size;
	sent.ready = ready;
	sent.owner = owner;
	sent.sight = sight;
	return og_http_start(http, &sent);
}

void
og_signed_free(SignedRequest *request)
{
	MemoryContextDelete(request->context);
}

/* ---------- previews ---------- */

void
og_call_preview(const OgAccount *account, const OgOperation *operation,
				const OgFields *arguments, const OgKeys *keys, TimestampTz at,
				void (*show) (const OgPreview *preview, void *arg), void *arg)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "order_gateway preview",
												  ALLOCSET_DEFAULT_SIZES);
	OgPreview	preview = {.base_url = account->base_url};
	int			end;

	for (int first = 0; first < keys->nkeys; first = end)
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		SignedRequest *request;
		OgBatch		batch;

		CHECK_FOR_INTERRUPTS();
		end = og_keys_batch_end(keys, account, operation, first);
		(void) og_keys_batch(&batch, keys, first, end, arguments);
		request = og_signed_request(account, operation, &batch,
									og_unix_ms(at) + preview.batch++);
		if (request == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_SYSTEM_ERROR),
					 errmsg("could not build and sign request %d",
							preview.batch),
					 errhint("Check that OpenSSL on this machine offers the digest that this provider asks for.")));

		preview.nkeys = batch.nkeys;
		preview.request = &request->parts;
		show(&preview, arg);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
}
