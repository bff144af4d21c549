# Streams whose provider misbehaves: at any moment a book is the provider's as of
# the number that it names, or it is not shown; what went wrong is an event; and
# afterwards all is live again.

use strict;
use warnings;
use utf8;

use Test::More;
use Time::HiRes qw(sleep time);

use OrderGateway::Books;
use OrderGateway::Test;

my $books = OrderGateway::Books->start;
my $test = $books->test;
my $node = $books->node;
my $sandbox = $books->sandbox;
my $book = $books->follow('book', symbol => 'BTC-USD');
my $best = $books->follow('l1', symbol => 'BTC-USD');

# Arms a fault of the book while it moves: it becomes stale, with this event, and
# live again, and whatever is seen meanwhile is true.
sub survives
{
	my ($event, $name, $fault, %args) = @_;
	my $before = $books->sql('SELECT coalesce(max(event_id), 0) FROM btse_stream_event');
	my $events = join ', ', map { "'$_'" } ref $event ? @$event : $event;
	my $gaps = $books->sql("SELECT gaps FROM order_gateway_streams WHERE stream_id = $book");

	$sandbox->trade(rate => 50, symbols => ['BTC-USD']);
	$sandbox->arm($fault, topic => 'update:BTC-USD_0', times => 1, %args);
	my ($wrong, $seen) = $books->watch('BTC-USD', 0, 1.5);
	is_deeply($wrong, [], "$name: what is seen is true");
	$books->wait_sql("SELECT count(*) > 0 FROM btse_stream_event WHERE event_id > $before AND event IN ($events)", 't',
		'... it is an event');
	$books->state_ok($book, 'live', '... and it is live again');
	$sandbox->disarm;
	$sandbox->stop_trading;
	$books->wait_current('BTC-USD', 0, '... with the provider\'s book');
	cmp_ok($books->sql("SELECT gaps FROM order_gateway_streams WHERE stream_id = $book"), '>', $gaps,
		'... and it counts');
	return;
}

# The same of a connection, which is lost.
sub reconnects
{
	my ($like, $name, $act) = @_;
	my $before = $books->sql('SELECT coalesce(max(event_id), 0) FROM btse_stream_event');

	$act->();
	$books->wait_sql("SELECT count(*) > 0 FROM btse_stream_event WHERE event_id > $before
			AND event = 'disconnected' AND message ~ '$like'", 't', "$name: the connection is dropped, and it is said why");
	$sandbox->disarm;
	$books->state_ok($book, 'live', '... and made anew');
	$books->wait_current('BTC-USD', 0, '... with the provider\'s book');
	is($books->sql(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'order_gateway stream worker'}), 1,
		'... and the worker is unharmed');
	return;
}

my $worker = $books->sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'order_gateway stream worker'});

# ----
# What a book may not be
# ----

subtest 'a message is lost' => sub { survives('gap', 'lost', 'stream_lost'); };
subtest 'a gap in the numbers' => sub { survives('gap', 'gap', 'stream_seq', form => 'gap'); };
subtest 'a number comes twice' => sub { survives('went_back', 'repeated', 'stream_seq', form => 'repeated'); };
subtest 'a number goes back' => sub { survives('went_back', 'lower', 'stream_seq', form => 'lower'); };
# Where the book is full, one bid more is one too many as well.
subtest 'a crossed book' => sub { survives([ 'crossed', 'too_deep' ], 'crossed', 'stream_crossed'); };
subtest 'a book that is too deep' => sub { survives('too_deep', 'too deep', 'stream_levels', levels => 51); };

# ----
# What is not said
# ----

subtest 'nothing comes after the acknowledgement' => sub {
	$sandbox->arm('stream_silent', topic => 'update:ETH-USD_0', times => 0);
	my $silent = $books->sql(q{SELECT btse_stream_start('book', 'ETH-USD')});
	my $before = $books->events('silent');

	$books->wait_event('silent', $before + 1, 'after 10 s that is an event');
	is($books->sql("SELECT state FROM order_gateway_streams WHERE stream_id = $silent"), 'connecting',
		'... of a book that is not live');
	ok(!$books->is_shown('ETH-USD', 0), '... nor shown');
	is($books->sql("SELECT state FROM order_gateway_streams WHERE stream_id = $book"), 'live',
		'... and nothing to others');
	$sandbox->disarm;
	$books->state_ok($silent, 'live', 'it is asked for until it comes');
	$books->sql("SELECT btse_stream_stop($silent)");
};

subtest 'some topics are not acknowledged' => sub {
	$sandbox->arm('stream_part_ack', which => 'first', times => 1);
	my $refused = $books->sql(q{SELECT btse_stream_start('l1', 'ETH-USD')});

	$books->state_ok($refused, 'refused', 'such a topic is refused');
	is($books->sql("SELECT state FROM order_gateway_streams WHERE stream_id = $book"), 'live',
		'... and nothing to others');
	$books->wait_event('refused', 1, '... and an event');
	$books->sql("SELECT btse_stream_stop($refused)");
};

# An error is followed by an acknowledgement of nothing, which is late.
subtest 'a topic is asked for between an error and its acknowledgement' => sub {
	my $before = $books->events('refused');

	$sandbox->arm('stream_late', on => 'ack', ms => 3000, times => 2);
	my $refused = $books->sql(q{SELECT btse_stream_start('l1', 'NOPE-USD')});
	$books->state_ok($refused, 'refused', 'a market that there is not is refused');
	my $asked = $books->sql(q{SELECT btse_stream_start('l1', 'ETH-USD')});

	$books->state_ok($asked, 'live', '... and not what was asked for meanwhile');
	is($books->events('refused'), $before + 1, '... not for a moment');
	$books->sql("SELECT btse_stream_stop($_)") foreach $refused, $asked;
};

subtest 'nothing is acknowledged' => sub {
	reconnects('not acknowledged within 10 s', 'no acknowledgement', sub {
		$sandbox->arm('stream_no_ack', times => 1);
		$sandbox->close_streams(url => 'book');
	});
};

subtest 'no pong' => sub {
	reconnects('ping was not answered', 'no pong', sub { $sandbox->arm('stream_no_pong', times => 0); });
};

subtest 'no acknowledgement of a login' => sub {
	$sandbox->arm('stream_no_login_ack', times => 0);
	my $fills = $books->sql(q{SELECT btse_stream_start('fills')});

	$books->wait_sql("SELECT last_error FROM order_gateway_streams WHERE stream_id = $fills",
		'the login was not acknowledged within 5 s', 'it is waited for');
	$books->sql(q{ALTER SERVER btse OPTIONS (ADD stream_login_ack 'false')});
	$books->state_ok($fills, 'live', '... unless the server says that none comes');
	$books->sql(q{ALTER SERVER btse OPTIONS (DROP stream_login_ack)});
	$sandbox->disarm;
	$books->state_ok($fills, 'live', 'or until it comes');
	$sandbox->arm('stream_login_refused', times => 0);
	$sandbox->close_streams(topic => 'fills');
	$books->wait_sql("SELECT last_error FROM order_gateway_streams WHERE stream_id = $fills",
		'the provider refused the login', 'a login that is refused is told');
	$sandbox->disarm;
	$books->state_ok($fills, 'live', '... and tried again');
	$books->sql("SELECT btse_stream_stop($fills)");
	$books->state_ok($book, 'live', 'the book is live again as well');
};

# ----
# Nonsense
# ----

subtest 'the wrong topic' => sub {
	my $before = $books->events('unexpected');

	$sandbox->trade(rate => 50, symbols => ['BTC-USD']);
	$sandbox->arm('stream_topic', topic => 'update:BTC-USD_0', form => 'symbol', times => 1);
	my ($wrong, $seen) = $books->watch('BTC-USD', 0, 1.5);
	is_deeply($wrong, [], 'a delta of another market is none of ours');
	$sandbox->stop_trading;
	$books->state_ok($book, 'live', '... and what is missing then is asked for');
	$books->wait_current('BTC-USD', 0, '... anew');
	cmp_ok($books->events('unexpected'), '>', $before, '... and it is an event');
};

foreach my $case ([ 1006, 'farewell' ], [ 1007, 'code 1007' ], [ 1008, 'code 1008' ])
{
	my ($code, $like) = @$case;

	subtest "the provider closes with $code" => sub {
		reconnects($like, "close $code", sub {
			$sandbox->arm('stream_close', topic => 'update:BTC-USD_0', code => $code, times => 1);
			$sandbox->trade(rate => 20, moves => 5, symbols => ['BTC-USD']);
		});
	};
}

foreach my $case (
	[ 'a message that is not JSON', 'stream_text', form => 'not_json' ],
	[ 'a binary message', 'stream_binary' ],
	[ 'what is not UTF-8', 'stream_bad_utf8' ],
	[ 'a message that is too large', 'stream_oversize' ],
	[ 'half a frame, and the end', 'stream_half', then => 'drop' ])
{
	my ($name, $fault, %args) = @$case;

	subtest $name => sub {
		reconnects('.', $name, sub {
			$sandbox->arm($fault, topic => 'update:BTC-USD_0', times => 1, %args);
			$sandbox->trade(rate => 20, moves => 5, symbols => ['BTC-USD']);
		});
	};
}

is($books->sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'order_gateway stream worker'}), $worker,
	'it has been one worker all the time');
$books->state_ok($best, 'live', 'the best prices are live again as well');

# ----
# A book that is silent
# ----

subtest 'a book that is silent is compared' => sub {
	my $seq = $sandbox->book('BTC-USD', 0)->{seq};
	my ($asked) = grep { $_->{open} && exists $_->{topics}{'update:BTC-USD_0'} } @{ $sandbox->streams->{connections} };

	ok($asked, 'it is followed');
	$books->wait_sql(q{SELECT age > interval '0' AND age < interval '30 s' FROM btse_book_top WHERE received_at > now() - interval '10 s'},
		't', 'after a minute of silence a new snapshot is asked for', 100);
	is($books->sql("SELECT state FROM order_gateway_streams WHERE stream_id = $book"), 'live', '... and it was live all the time');
	is($books->events('differs') + $books->events('stalled'), 0, '... and the same');
};

$sandbox->stop;
done_testing();
