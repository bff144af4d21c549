/*-------------------------------------------------------------------------
 *
 * btse_stream_read.c
 *		What a message of BTSE's streams is; acknowledgements and errors.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "provider/btse/btse_stream_internal.h"

#define PONG	"pong"

/* Members of messages, except of data. */
enum
{
	TOPIC,
	DATA,
	EVENT,
	CHANNEL,
	SUCCESS,
	ERRORS,
	ERROR_MEMBER,
	ARG,
	CODE,
	ERROR_CODE,
	MESSAGE,
	MSG,
	MEMBERS
};

static const char *const names[MEMBERS] = {
	[TOPIC] = "topic",
	[DATA] = "data",
	[EVENT] = "event",
	[CHANNEL] = "channel",
	[SUCCESS] = "success",
	[ERRORS] = "errors",
	[ERROR_MEMBER] = "error",
	[ARG] = "arg",
	[CODE] = "code",
	[ERROR_CODE] = "errorCode",
	[MESSAGE] = "message",
	[MSG] = "msg"
};

static const struct
{
	OgStreamCode code;
	const char *words;
}			codes[] = {
	{OG_STREAM_NO_MARKET, "the market is not supported"},
	{OG_STREAM_NO_OPERATION, "the operation is not supported"},
	{OG_STREAM_BAD_REQUEST, "the request is not valid"},
	{OG_STREAM_NO_TOPIC, "there is no such topic"},
	{OG_STREAM_BUFFER_FULL, "the buffer of messages is full"},
	{OG_STREAM_TOO_MANY_FAILURES, "there were too many failed attempts"},
	{OG_STREAM_NO_GROUPING, "this topic has no grouping"}
};

const char *
og_btse_stream_code_words(OgStreamCode code)
{
	for (int i = 0; i < lengthof(codes); i++)
	{
		if (codes[i].code == code)
			return codes[i].words;
	}
	return NULL;
}

/* ---------- errors ---------- */

static OgStreamCode
known_code(OgSlice value)
{
	int64		code;

	if (!og_json_integer(value, &code))
		return OG_STREAM_CODE_OTHER;
	for (int i = 0; i < lengthof(codes); i++)
	{
		if (codes[i].code == code)
			return codes[i].code;
	}
	return OG_STREAM_CODE_OTHER;
}

/* The value, or the other one where there is none. */
static OgSlice
either(OgSlice value, OgSlice other)
{
	return og_json_kind(value) > OG_JSON_NULL ? value : other;
}

/*
 * An error by its members, which may stand in an object of their own.  False if
 * there are none.
 */
static bool
read_error(const OgSlice *values, OgStreamError *error)
{
	OgSlice		inner[MEMBERS];

	og_json_pick(values[ERROR_MEMBER], names, inner, MEMBERS);
	error->arg = either(values[ARG], inner[ARG]);
	error->code = either(either(inner[CODE], inner[ERROR_CODE]),
						 either(values[CODE], values[ERROR_CODE]));
	error->message = either(either(inner[MESSAGE], inner[MSG]),
							either(values[MESSAGE], values[MSG]));
	if (og_json_kind(values[ERROR_MEMBER]) == OG_JSON_STRING)
		error->message = either(error->message, values[ERROR_MEMBER]);
	error->known = known_code(error->code);
	return og_json_kind(error->code) > OG_JSON_NULL ||
		og_json_kind(error->message) > OG_JSON_NULL;
}

/* Each element of a list is an object, and tells of one error. */
static bool
read_errors(OgStreamMessage *message, OgSlice list)
{
	int			room = 4;
	OgSlice		values[MEMBERS];
	OgJsonPicker picker;
	OgSlice		element;

	message->errors = palloc(room * sizeof(OgStreamError));
	og_json_pick_open(&picker, list, names, MEMBERS);
	while (og_json_pick_next(&picker, &element, values))
	{
		if (message->nerrors == room)
		{
			room *= 2;
			message->errors = repalloc(message->errors,
									   room * sizeof(OgStreamError));
		}
		if (og_json_kind(element) != OG_JSON_OBJECT ||
			!read_error(values, &message->errors[message->nerrors]))
			return refuse(message, "has an error that says nothing");
		message->nerrors++;
	}
	if (message->nerrors == 0)
		return refuse(message, "has errors, and none of them");
	message->what = OG_STREAM_ERROR;
	return true;
}

/* The same, where the message itself is the error. */
static bool
read_lone_error(OgStreamMessage *message, const OgSlice *values)
{
	message->errors = palloc(sizeof(OgStreamError));
	if (!read_error(values, message->errors))
		return refuse(message, "is none that is documented");
	message->nerrors = 1;
	message->what = OG_STREAM_ERROR;
	return true;
}

/* ---------- acknowledgements ---------- */

static bool
read_channels(OgStreamMessage *message, OgStreamWhat what, OgSlice list)
{
	OgJsonCursor cursor;
	OgSlice		channel;
	int			room = 8;

	if (og_json_kind(list) != OG_JSON_ARRAY &&
		og_json_kind(list) != OG_JSON_NULL)
		return refuse(message, "has no list of channels");
	message->channels = palloc(room * sizeof(OgSlice));
	og_json_open(&cursor, list);
	while (og_json_next_element(&cursor, &channel))
	{
		if (og_json_kind(channel) != OG_JSON_STRING)
			return refuse(message, "has a channel that is not a string");
		if (message->nchannels == room)
		{
			room *= 2;
			message->channels = repalloc(message->channels,
										 room * sizeof(OgSlice));
		}
		message->channels[message->nchannels++] = channel;
	}
	message->what = what;
	return true;
}

/* Nothing but a success is one. */
static bool
read_login(OgStreamMessage *message, const OgSlice *values)
{
	message->success = og_json_kind(values[SUCCESS]) == OG_JSON_TRUE ||
		(og_json_kind(values[SUCCESS]) == OG_JSON_STRING &&
		 og_says(values[SUCCESS], "true"));
	message->message = either(values[MESSAGE], values[MSG]);
	message->what = OG_STREAM_LOGIN;
	return true;
}

static bool
read_event(OgStreamMessage *message, const OgSlice *values)
{
	OgSlice		event = values[EVENT];

	if (og_says(event, "subscribe"))
		return read_channels(message, OG_STREAM_SUBSCRIBED, values[CHANNEL]);
	if (og_says(event, "unsubscribe"))
		return read_channels(message, OG_STREAM_UNSUBSCRIBED, values[CHANNEL]);
	if (og_says(event, "login"))
		return read_login(message, values);
	if (og_says(event, "error"))
		return read_lone_error(message, values);
	return refuse(message, "tells an event that is not documented");
}

/* ---------- data ---------- */

static bool
read_data(OgStreamMessage *message, const OgSlice *values)
{
	OgSlice		topic;
	OgSlice		rest;

	if (og_json_kind(values[TOPIC]) != OG_JSON_STRING)
		return refuse(message, "has a topic that is not a string");
	if (!og_json_plain(values[TOPIC], &topic))
		topic = og_slice_of(og_json_text(values[TOPIC],
										 (int) values[TOPIC].len));
	if (!og_btse_stream_kind(topic, &message->kind, &rest))
		return refuse(message, "has a topic that is not documented");
	message->is_data = true;
	if (!(message->kind <= OG_STREAM_BOOK
		  ? og_btse_stream_read_book(message, values[DATA], rest)
		  : og_btse_stream_read_records(message, values[DATA])))
		return false;
	message->what = OG_STREAM_DATA;
	return true;
}

/* ---------- a message ---------- */

static bool
read_json(OgStreamMessage *message)
{
	OgSlice		values[MEMBERS];

	if (og_json_kind(message->value) != OG_JSON_OBJECT)
		return refuse(message, "is not an object");
	og_json_pick(message->value, names, values, MEMBERS);
	if (values[TOPIC].data != NULL)
		return read_data(message, values);
	if (values[EVENT].data != NULL)
		return read_event(message, values);
	if (og_json_kind(values[ERRORS]) == OG_JSON_ARRAY)
		return read_errors(message, values[ERRORS]);
	return read_lone_error(message, values);
}

/* Of what is not understood nothing is left but what it was about. */
static void
forget(OgStreamMessage *message)
{
	OgStreamMessage all = *message;

	memset(message, 0, sizeof(*message));
	message->problem = all.problem;
	message->value = all.value;
	message->is_data = all.is_data;
	message->kind = all.kind;
	message->symbol = all.symbol;
	message->grouping = all.grouping;
}

bool
og_btse_stream_read(OgSlice text, OgStreamMessage *message)
{
	memset(message, 0, sizeof(*message));
	message->grouping = -1;
	if (og_slice_equal(text, og_slice_of(PONG)))
	{
		message->what = OG_STREAM_PONG;
		return true;
	}
	if (!og_json_prove(text, &message->value, &message->problem))
		message->value = og_slice(NULL, 0);
	else if (read_json(message))
		return true;
	forget(message);
	return false;
}
