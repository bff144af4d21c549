/*-------------------------------------------------------------------------
 *
 * stream_append_queue.c
 *		Rows of appended kinds that wait to be written.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "stream/stream_append.h"

/* With so much of a queue taken, nothing more is read for it. */
#define IS_LONG(bytes)	((bytes) > (size_t) og_stream_queue * 1024 / 4)

/* Rows that stay when a queue is given up: they tell when the table takes some. */
#define ROWS_KEPT		100

Appending *
og_queue_open(Stream *stream)
{
	Appending  *append = MemoryContextAllocZero(stream->context,
												sizeof(Appending));

	append->stream = stream;
	append->context = AllocSetContextCreate(stream->context,
											"order_gateway stream rows",
											ALLOCSET_DEFAULT_SIZES);
	append->batch = MOST_WRITTEN;
	dlist_init(&append->queue);
	return append;
}

void
og_queue_close(Appending *append)
{
	MemoryContextDelete(append->context);
	pfree(append);
}

/* ---------- rows ---------- */

static size_t
text_size(const char *text)
{
	return text == NULL ? 0 : strlen(text) + 1;
}

static size_t
identity_size(const OgStreamIdentity *identity)
{
	size_t		size = text_size(identity->id);

	for (int i = 0; i < OG_STREAM_NAMES; i++)
		size += text_size(identity->known_as[i]) +
			text_size(identity->remember[i]);
	return size;
}

static bool
is_within(OgSlice value, OgSlice raw)
{
	return value.data >= raw.data &&
		value.data + value.len <= raw.data + raw.len;
}

static const char *
put_text(char **at, const char *text)
{
	char	   *put = *at;

	if (text == NULL)
		return NULL;
	memcpy(put, text, strlen(text) + 1);
	*at += strlen(text) + 1;
	return put;
}

static OgSlice
put_slice(char **at, OgSlice slice)
{
	OgSlice		put = og_slice(*at, slice.len);

	if (slice.data == NULL)
		return slice;
	memcpy(*at, slice.data, slice.len);
	*at += slice.len;
	return put;
}

static void
put_identity(char **at, OgStreamIdentity *to, const OgStreamIdentity *from)
{
	to->id = put_text(at, from->id);
	for (int i = 0; i < OG_STREAM_NAMES; i++)
	{
		to->known_as[i] = put_text(at, from->known_as[i]);
		to->remember[i] = put_text(at, from->remember[i]);
	}
}

/* Values that stand in the element are found in its copy. */
static AppendRow *
copy_row(Appending *append, const OgSlice *values, int count, OgSlice raw,
		 const OgStreamIdentity *identity)
{
	size_t		head = offsetof(AppendRow, values) + count * sizeof(OgSlice);
	size_t		size = head + raw.len + identity_size(identity);
	AppendRow  *row;
	char	   *at;

	for (int i = 0; i < count; i++)
	{
		if (!is_within(values[i], raw))
			size += values[i].len;
	}
	row = MemoryContextAllocZero(append->context, size);
	at = (char *) row + head;
	row->size = size;
	row->raw = put_slice(&at, raw);
	for (int i = 0; i < count; i++)
	{
		if (values[i].data != NULL && is_within(values[i], raw))
			row->values[i] = og_slice(row->raw.data +
									  (values[i].data - raw.data),
									  values[i].len);
		else
			row->values[i] = put_slice(&at, values[i]);
	}
	put_identity(&at, &row->identity, identity);
	return row;
}

static int
count_columns(OgStreamKind kind)
{
	const OgColumn *shape = og_append_shape(kind);
	int			count = 0;

	while (shape[count].name != NULL)
		count++;
	return count;
}

static void
show_queue(Appending *append)
{
	append->stream->shown.queued = append->count;
	append->stream->changed = true;
}

bool
og_queue_add(Appending *append, const OgSlice *values, OgSlice raw, bool of_rest)
{
	OgStreamKind kind = append->stream->wish.kind;
	OgStreamIdentity identity = {NULL};
	AppendRow  *row;

	if (!of_rest && append->told >= (size_t) og_stream_queue * 1024)
		return false;
	if (kind != OG_STREAM_NOTIFICATIONS)
		og_btse_stream_identify(kind, values, &identity);
	row = copy_row(append, values, count_columns(kind), raw, &identity);
	row->append = append;
	row->number = ++append->added;
	row->received_at = GetCurrentTimestamp();
	row->heard_until = og_append_heard(append->stream);
	row->of_rest = of_rest;
	dlist_push_tail(&append->queue, &row->node);
	append->count++;
	append->bytes += row->size;
	append->told += of_rest ? 0 : row->size;
	show_queue(append);
	return true;
}

bool
og_queue_is_long(const Appending *append)
{
	return IS_LONG(append->bytes);
}

static void
free_row(AppendRow *row)
{
	Appending  *append = row->append;

	dlist_delete(&row->node);
	append->count--;
	append->bytes -= row->size;
	append->told -= row->of_rest ? 0 : row->size;
	pfree(row);
}

void
og_queue_remove(AppendRow *row)
{
	Appending  *append = row->append;

	append->done = row->number;
	free_row(row);
	/* Behind it some may have been given up, which nobody waits for. */
	if (append->count == 0)
		append->done = append->added;
	show_queue(append);
}

int
og_queue_give_up(Appending *append, TimestampTz *from, TimestampTz *to)
{
	int			kept = 0;
	int			count = 0;
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &append->queue)
	{
		AppendRow  *row = append_row_of(iter.cur);

		if (kept++ < ROWS_KEPT)
			continue;
		if (count++ == 0)
			*from = row->heard_until;
		*to = row->received_at;
		free_row(row);
	}
	list_free_deep(append->marks);
	append->marks = NIL;
	show_queue(append);
	return count;
}

/* ---------- marks ---------- */

/*
 * What a mark says is so for all that is written: a hole, too, of which nobody
 * would hear any more.
 */
bool
og_mark_is_proved(const AppendMark *mark, uint64 done)
{
	return mark->number <= done && og_stream_events_are_safe(mark->events);
}

void
og_queue_mark(Appending *append, const char *symbol, TimestampTz until)
{
	MemoryContext old = MemoryContextSwitchTo(append->context);
	AppendMark *mark = palloc(sizeof(AppendMark) + strlen(symbol) + 1);

	mark->symbol = (char *) (mark + 1);
	memcpy(mark->symbol, symbol, strlen(symbol) + 1);
	mark->until = until;
	mark->number = append->added;
	mark->events = og_stream_events_told();
	append->marks = lappend(append->marks, mark);
	MemoryContextSwitchTo(old);
}

void
og_queue_forget_marks(Appending *append)
{
	while (append->marks != NIL)
	{
		AppendMark *mark = linitial(append->marks);

		if (!og_mark_is_proved(mark, append->done))
			return;
		append->marks = list_delete_first(append->marks);
		pfree(mark);
	}
}
