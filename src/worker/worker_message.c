/*-------------------------------------------------------------------------
 *
 * worker_message.c
 *		What goes over the desk, as bytes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "worker/worker_message.h"

/* The length of what is not there. */
#define NOTHING		PG_UINT32_MAX

/* ---------- values ---------- */

#define PUT(out, value) \
	appendBinaryStringInfo(out, (const char *) &(value), sizeof(value))
#define GET(in, value) \
	take(in, &(value), sizeof(value))

static const char *
take_bytes(OgBytes *in, size_t len)
{
	const char *bytes = in->at;

	if ((size_t) (in->end - in->at) < len)
		elog(ERROR, "a message ends early");
	in->at += len;
	return bytes;
}

static void
take(OgBytes *in, void *value, size_t size)
{
	memcpy(value, take_bytes(in, size), size);
}

static void
put_slice(StringInfo out, OgSlice slice)
{
	uint32		len = slice.data == NULL ? NOTHING : (uint32) slice.len;

	PUT(out, len);
	if (slice.data == NULL)
		return;
	appendBinaryStringInfo(out, slice.data, (int) slice.len);
	appendStringInfoCharMacro(out, '\0');
}

static OgSlice
get_slice(OgBytes *in)
{
	uint32		len;

	GET(in, len);
	if (len == NOTHING)
		return og_slice(NULL, 0);
	return og_slice(take_bytes(in, (size_t) len + 1), len);
}

static void
put_text(StringInfo out, const char *text)
{
	put_slice(out, og_slice_of(text));
}

static const char *
get_text(OgBytes *in)
{
	return get_slice(in).data;
}

static void
put_fields(StringInfo out, const OgFields *fields)
{
	PUT(out, fields->count);
	for (int i = 0; i < fields->count; i++)
	{
		put_text(out, fields->items[i].name);
		put_text(out, fields->items[i].value);
	}
}

static void
get_fields(OgBytes *in, OgFields *fields)
{
	int			count;

	memset(fields, 0, sizeof(*fields));
	GET(in, count);
	for (int i = 0; i < count; i++)
	{
		const char *name = get_text(in);

		og_fields_add(fields, name, get_text(in));
	}
}

/* ---------- parts ---------- */

static void
put_ids(StringInfo out, const OgJournalCall *call)
{
	bool		each = call->order_arguments != NULL;

	PUT(out, call->nids);
	PUT(out, each);
	for (int i = 0; i < call->nids; i++)
		put_slice(out, call->ids[i]);
	for (int i = 0; each && i < call->nids; i++)
		put_fields(out, &call->order_arguments[i]);
}

static void
get_ids(OgBytes *in, OgJournalCall *call)
{
	bool		each;

	GET(in, call->nids);
	GET(in, each);
	call->ids = palloc(Max(call->nids, 1) * sizeof(OgSlice));
	for (int i = 0; i < call->nids; i++)
		call->ids[i] = get_slice(in);
	if (!each)
		return;
	call->order_arguments = palloc(Max(call->nids, 1) * sizeof(OgFields));
	for (int i = 0; i < call->nids; i++)
		get_fields(in, &call->order_arguments[i]);
}

void
og_message_put_part(StringInfo out, const OgPart *part, int number)
{
	const OgJournalCall *call = &part->call;

	PUT(out, number);
	PUT(out, part->session_role);
	PUT(out, part->pid);
	PUT(out, part->version);
	put_text(out, call->origin);
	put_text(out, call->function);
	PUT(out, call->functionid);
	put_text(out, call->provider);
	put_text(out, call->operation);
	PUT(out, call->serverid);
	put_text(out, call->server);
	PUT(out, call->roleid);
	put_text(out, call->role);
	put_fields(out, &call->arguments);
	put_text(out, call->reference);
	PUT(out, call->submitted_at);
	PUT(out, call->not_before);
	PUT(out, call->expires_at);
	put_ids(out, call);
}

void
og_message_get_part(OgBytes *in, OgPart *part, int *number)
{
	OgJournalCall *call = &part->call;

	memset(part, 0, sizeof(*part));
	GET(in, *number);
	GET(in, part->session_role);
	GET(in, part->pid);
	GET(in, part->version);
	call->origin = get_text(in);
	call->function = get_text(in);
	GET(in, call->functionid);
	call->provider = get_text(in);
	call->operation = get_text(in);
	GET(in, call->serverid);
	call->server = get_text(in);
	GET(in, call->roleid);
	call->role = get_text(in);
	get_fields(in, &call->arguments);
	call->reference = get_text(in);
	GET(in, call->submitted_at);
	GET(in, call->not_before);
	GET(in, call->expires_at);
	get_ids(in, call);
}

/* ---------- rows ---------- */

static void
put_row(StringInfo out, const OgRow *row)
{
	int			count = 0;

	PUT(out, row->position);
	PUT(out, row->batch);
	PUT(out, row->attempts);
	PUT(out, row->http_status);
	PUT(out, row->sent_at);
	PUT(out, row->answered_at);
	PUT(out, row->unprocessed);
	for (const OgOutcome *o = row->outcome; o != NULL; o = o->next)
		count++;
	PUT(out, count);
	for (const OgOutcome *o = row->outcome; o != NULL; o = o->next)
	{
		PUT(out, o->verdict);
		PUT(out, o->stranger);
		put_text(out, o->code);
		put_text(out, o->message);
		put_slice(out, o->response);
		put_slice(out, o->part);
	}
}

static void
get_row(OgBytes *in, OgRow *row)
{
	OgOutcome  *outcomes;
	int			count;

	GET(in, row->position);
	GET(in, row->batch);
	GET(in, row->attempts);
	GET(in, row->http_status);
	GET(in, row->sent_at);
	GET(in, row->answered_at);
	GET(in, row->unprocessed);
	GET(in, count);
	outcomes = palloc(Max(count, 1) * sizeof(OgOutcome));
	for (int i = 0; i < count; i++)
	{
		OgOutcome  *o = &outcomes[i];

		GET(in, o->verdict);
		GET(in, o->stranger);
		o->code = get_text(in);
		o->message = get_text(in);
		o->response = get_slice(in);
		o->part = get_slice(in);
		o->next = i + 1 < count ? o + 1 : NULL;
	}
	row->outcome = outcomes;
}

static void
put_news(StringInfo out, const OgNews *news)
{
	PUT(out, news->kind);
	PUT(out, news->is_act);
	PUT(out, news->number);
	put_text(out, news->function);
	put_text(out, news->text);
}

static void
get_news(OgBytes *in, OgNews *news)
{
	GET(in, news->kind);
	GET(in, news->is_act);
	GET(in, news->number);
	news->function = get_text(in);
	news->text = get_text(in);
}

static void
put_refusal(StringInfo out, const OgDeskRefusal *refusal)
{
	PUT(out, refusal->sqlstate);
	put_text(out, refusal->message);
	put_text(out, refusal->detail);
	put_text(out, refusal->hint);
}

static void
get_refusal(OgBytes *in, OgDeskRefusal *refusal)
{
	GET(in, refusal->sqlstate);
	refusal->message = get_text(in);
	refusal->detail = get_text(in);
	refusal->hint = get_text(in);
}

/* ---------- messages ---------- */

void
og_message_put(StringInfo out, const OgDeskMessage *message)
{
	PUT(out, message->kind);
	PUT(out, message->part);
	switch (message->kind)
	{
		case OG_DESK_BEGUN:
			PUT(out, message->call_id);
			break;
		case OG_DESK_LEFT:
		case OG_DESK_BACK:
			PUT(out, message->first);
			PUT(out, message->count);
			break;
		case OG_DESK_ROW:
			put_row(out, &message->row);
			break;
		case OG_DESK_NEWS:
			put_news(out, &message->news);
			break;
		case OG_DESK_REFUSED:
			put_refusal(out, &message->refusal);
			break;
		case OG_DESK_DONE:
		case OG_DESK_GONE:
			break;
	}
}

void
og_message_get(OgBytes *in, OgDeskMessage *message)
{
	memset(message, 0, sizeof(*message));
	GET(in, message->kind);
	GET(in, message->part);
	switch (message->kind)
	{
		case OG_DESK_BEGUN:
			GET(in, message->call_id);
			break;
		case OG_DESK_LEFT:
		case OG_DESK_BACK:
			GET(in, message->first);
			GET(in, message->count);
			break;
		case OG_DESK_ROW:
			get_row(in, &message->row);
			break;
		case OG_DESK_NEWS:
			get_news(in, &message->news);
			break;
		case OG_DESK_REFUSED:
			get_refusal(in, &message->refusal);
			break;
		case OG_DESK_DONE:
		case OG_DESK_GONE:
			break;
	}
}
