/*-------------------------------------------------------------------------
 *
 * gateway_preview.c
 *		The requests of a call, built and signed, and shown instead of sent.
 *
 * Uses the same splitting, building and signing as a call does.  It opens no
 * connection and touches no lane: the time of each request is given.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "gateway/gateway_internal.h"

void
og_call_preview(const OgAccount *account, const OgOperation *operation,
				const OgFields *arguments, const OgKeys *keys, TimestampTz at,
				void (*show) (const OgPreview *preview, void *arg), void *arg)
{
	KeySplit	split;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "order_gateway preview",
												  ALLOCSET_DEFAULT_SIZES);
	OgPreview	preview = {0};

	preview.base_url = account->base_url;
	og_keys_split(&split, keys, account, operation);
	while (preview.batch < split.nbatches)
	{
		int			first = og_split_first(&split, preview.batch);
		MemoryContext old = MemoryContextSwitchTo(context);
		SignedRequest *request;
		OgBatch		batch;
		OgSlice    *texts;

		CHECK_FOR_INTERRUPTS();
		batch.arguments = og_keys_arguments(keys, first, arguments);
		batch.nkeys = og_split_first(&split, preview.batch + 1) - first;
		texts = palloc(batch.nkeys * sizeof(OgSlice));
		for (int i = 0; i < batch.nkeys; i++)
			texts[i] = og_keys_get(keys, first + i);
		batch.keys = texts;

		request = og_signed_request(account, operation, &batch,
									og_unix_ms(at) + preview.batch);
		if (request == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_SYSTEM_ERROR),
					 errmsg("could not build and sign request %d",
							preview.batch + 1),
					 errhint("Check that OpenSSL on this machine offers the digest that this provider asks for.")));

		preview.batch++;
		preview.nkeys = batch.nkeys;
		preview.request = &request->parts;
		show(&preview, arg);

		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
}
