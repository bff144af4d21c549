# The chapter on streams is true: its recipes run, word by word, and say what is so.

use strict;
use warnings;
use utf8;

use Test::More;

use OrderGateway::Appended;
use OrderGateway::Documents;

my $documents = OrderGateway::Documents->new;
my $streams = OrderGateway::Appended->start;

sub recipe { return $documents->recipe(@_); }
sub sql { return $streams->sql(@_); }

# Rows of a statement, a line each.
sub lines { return split /\n/, sql(@_); }

# ----
# Books, trades and fills
# ----

sql('CREATE ROLE trader');
sql(recipe('stream-grants'));
is(sql(q{SET ROLE trader; SELECT btse_stream_start('l1', 'BTC-USD')}), '1', 'who was granted it may start streams');
sql('SET ROLE trader; SELECT btse_stream_stop(1)');
is(sql(recipe('stream-start')), '2|3|4', 'three streams begin');
$streams->state_ok($_, 'live', "stream $_ is live") foreach 2 .. 4;
$streams->fill(10);
$streams->fills_ok('its fills are there');

my @seen = lines(recipe('stream-see'));
like($seen[0], qr/^BTC-USD\|[\d.]+\|[\d.]+\|[\d.]+\|\d+\|\d\d:/, 'a book has one row, and its age');
cmp_ok((grep { /^(?:buy|sell)\|\d+\|/ } @seen), '>', 2, '... and levels');
is((grep { /^BTC-USD\|(?:BUY|SELL)\|/ } @seen), 10, '... and fills are shown');
is_deeply([ map { (split /\|/)[3] } lines(recipe('stream-states')) ], [ ('live') x 3 ],
	'all of them are live');
like(sql(recipe('stream-complete')), qr/^[tf]$/, 'fills of yesterday are complete, or not');
$streams->wait_sql(recipe('stream-complete'), 't', '... and are, when they were read');
foreach my $event (qw(hole refused_row unexpected))
{
	my $add = sub {
		my ($ago) = @_;

		return qq{INSERT INTO order_gateway_stream_event (installation, event_id, at, event, kind, server_id, server, role_id, role, to_time)
			SELECT i.id, 1000000, now(), '$event', 'fills', n.number, n.server, 10, current_user, now() - interval '$ago'
			FROM order_gateway_installation AS i, order_gateway_stream_server AS n;};
	};

	is(sql($add->('1 hour') . recipe('stream-complete')), 'f', "... and are not with an event $event");
	sql('DELETE FROM order_gateway_stream_event WHERE event_id = 1000000');
	is(sql($add->('3 days') . recipe('stream-complete')), 't', '... of that time');
	sql('DELETE FROM order_gateway_stream_event WHERE event_id = 1000000');
}

# ----
# Reports
# ----

is(sql(recipe('stream-positions')),
	sql(q{SELECT base, sum(CASE side WHEN 'BUY' THEN 1 ELSE -1 END * filled_size),
		sum(CASE side WHEN 'SELL' THEN 1 ELSE -1 END * filled_size * filled_price)
		FROM btse_fill_log GROUP BY base}), 'positions');
sql(recipe('stream-bi'));
is(sql('SELECT sum(fills) FROM fills_by_hour'), 10, 'a report has each fill');
is_deeply([ lines(recipe('stream-alert')) ], ['0'], 'nothing to alert of');
like(sql(recipe('stream-cost')), qr/^[\d.]+\|\d+$/, 'what a market order would cost');

# ----
# A table of one's own
# ----

my $into = (lines(recipe('stream-into')))[-1];
$streams->state_ok($into, 'live', 'a stream into a table is live');
$streams->fill(5);
$streams->wait_sql('SELECT count(*) >= 5 AND count(*) = count(DISTINCT serial_id) FROM fills', 't',
	'it has each fill once');

# Notifications of a time without a connection are lost, which a report tells.
my $told = $streams->follow('notifications');
$streams->state_ok($told, 'live', 'notifications come');
$streams->sandbox->close_streams(how => 'drop');
$streams->wait_sql("SELECT count(*) > 0 FROM btse_stream_event WHERE event = 'hole' AND stream_id = $told",
	't', 'a hole is told of');
like(sql(recipe('stream-holes')), qr/^notifications\|.*\d/m, '... as its recipe tells');

$documents->all_were_run;
done_testing();
