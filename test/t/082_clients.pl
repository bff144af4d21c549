# What docs/clients.md says of every client program: what becomes of rows on
# their way to one, of calls when it goes away, of cursors, of functions around
# calls, and of floating point. Real drivers are in test/clients.

use strict;
use warnings;
use utf8;

use IPC::Run ();
use Test::More;

use OrderGateway::Erp;

my $erp = OrderGateway::Erp->start('clients');
my ($node, $sandbox, $documents) = ($erp->node, $erp->sandbox, $erp->documents);
my $chapter = $documents->chapter('docs/clients.md');

sub recipe { return $documents->recipe(@_); }
sub sql { return $erp->sql(@_); }
sub sql_error { return $erp->sql_error(@_); }
sub log_since { return $erp->log_since(@_); }

# Start a statement that gets no answer, and when it has been sent, do away with
# the client, and then with the connection to the provider.
my $held = 0;

sub client_goes_away
{
	my ($sql, %settings) = @_;

	local $ENV{PGOPTIONS} = join ' ', map { "-c $_=$settings{$_}" } keys %settings;
	$sandbox->arm('black_hole', provider => 'xt');
	my $client = IPC::Run::start(
		[ 'psql', '-X', '-d', $node->connstr('erp'), '-c', $sql ],
		'<', \undef, '>', \my $output, '2>', \my $error);
	ok($sandbox->wait_for(fault => 'black_hole', count => ++$held), "sent: $sql");
	$client->kill_kill;
	$settings{client_connection_check_interval} or $sandbox->disarm;
	ok($node->poll_query_until('erp', q{
		SELECT NOT EXISTS (SELECT FROM pg_stat_activity
		WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
		  AND query LIKE '%batch_cancel%')}),
		'... the client has gone, and so, at last, has its session');
	$sandbox->disarm;
	is($output, '', '... which had no rows for it');
}

$sandbox->install($node, database => 'erp', extension => 1,
	providers => [qw(xt btse wangdian)]);
$erp->run_recipes(qw(orders job-orders log-table));
sql('CREATE ROLE order_desk');
sql(recipe('client-check-interval'));
is(sql(q{SELECT rolconfig FROM pg_roles WHERE rolname = 'order_desk'}),
	'{client_connection_check_interval=0}', 'a setting of the role');

# ----
# The client goes away
# ----

$sandbox->seed('xt', market => 'btc_usdt', range => [ 1, 400 ]);
{
	my $start = $erp->log_end;

	client_goes_away(q{SELECT * FROM batch_cancel('btc_usdt', ARRAY[1])});
	is($sandbox->truth('xt')->{1}, 'cancelled', 'SELECT: the order is cancelled');
	unlike(log_since($start), qr/rolled back after/, '... and nobody tells');

	client_goes_away(q{INSERT INTO cancel_log SELECT 1, now(), 'xt', c.*
		FROM batch_cancel('btc_usdt', ARRAY['2']) AS c});
	is(sql(q{SELECT outcome FROM cancel_log WHERE order_id = '2'}), 'unknown',
		'INSERT: the row is there');

	$start = $erp->log_end;
	client_goes_away(q{INSERT INTO cancel_log SELECT 2, now(), 'xt', c.*
		FROM batch_cancel('btc_usdt', ARRAY['3']) AS c},
		client_connection_check_interval => '100ms');
	is(sql(q{SELECT count(*) FROM cancel_log WHERE order_id = '3'}), 0,
		'client_connection_check_interval: no row');
	like(log_since($start), qr/rolled back after .* 1 unknown \(3\)/,
		'... but the log has the order');
}

# ----
# Encodings
# ----

{
	my ($shown) = $chapter =~ /^(ERROR:  character with .*)$/m;
	my $start = $erp->log_end;

	$sandbox->seed('wangdian', ids => [qw(CR1 CR2)]);
	like(sql_error(q{SET client_encoding = 'LATIN1';
		SELECT * FROM wangdian_cancel(ARRAY['CR1', 'CRX'])}), qr/\Q$shown\E/,
		'a letter that the client cannot have');
	is($sandbox->truth('wangdian')->{CR1}, 'cancelled', '... after the call');
	like(log_since($start), qr/1 cancelled \(CR1\), 1 not_found \(CRX\)/, '... which is in the log');
	sql(q{SET client_encoding = 'LATIN1'; INSERT INTO cancel_log SELECT 3, now(), 'wangdian', c.*
		FROM wangdian_cancel(ARRAY['CR2', 'CRX']) AS c});
	is(sql(q{SELECT order_id, outcome, message IS NOT NULL FROM cancel_log WHERE call_id = 3}),
		"CR2|cancelled|f\nCRX|not_found|t", 'an INSERT is not concerned');
}

# ----
# Cursors
# ----

sub state_of { return $sandbox->truth('xt')->{ $_[0] }; }

sql(q{BEGIN; DECLARE c CURSOR FOR SELECT * FROM batch_cancel('btc_usdt', ARRAY[11]); COMMIT});
is(state_of(11), 'open', 'a cursor that is not fetched from sends nothing');
sql(q{BEGIN; DECLARE c CURSOR FOR SELECT * FROM batch_cancel('btc_usdt', ARRAY[12, 13]);
	FETCH 1 FROM c; COMMIT});
is(state_of(12) . ' ' . state_of(13), 'cancelled cancelled', 'one row is fetched, all is sent');
$sandbox->arm('delay', provider => 'xt', ms => 3000);
is(sql(q{SET statement_timeout = '2s';
	BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT outcome FROM batch_cancel('btc_usdt', ARRAY[14]);
	COMMIT; FETCH ALL FROM c}), 'cancelled', 'WITH HOLD: no statement_timeout in COMMIT');
$sandbox->disarm;

# ----
# Functions around calls
# ----

foreach my $case ([ immutable => 21, 'cancelled' ], [ stable => 22, 'cancelled' ],
	[ volatile => 23, 'open' ])
{
	my ($kind, $id, $state) = @$case;

	sql(qq{
		CREATE FUNCTION cancel_$kind(id text) RETURNS text LANGUAGE plpgsql $kind AS \$\$
		BEGIN
			RETURN (SELECT outcome FROM public.batch_cancel('btc_usdt', ARRAY[id]));
		END \$\$});
	sql("EXPLAIN SELECT * FROM orders WHERE id = cancel_$kind('$id')");
	is(state_of($id), $state, "EXPLAIN of a function that is $kind");
}
sql(q{
	CREATE TABLE sampled AS SELECT i::text AS id FROM generate_series(31, 33) AS i;
	CREATE STATISTICS about_sampled ON (cancel_stable(id)), id FROM sampled});
is(state_of(31), 'open', 'CREATE STATISTICS does not send');
sql('ANALYZE sampled');
is(join(' ', map { state_of($_) } 31 .. 33), 'cancelled cancelled cancelled', '... but ANALYZE does');

# ----
# What clients send, by the types that they give to arguments
# ----

my $list = q{[{"symbol": "BTC-USD", "side": "BUY", "type": "LIMIT", "size": 0.002, "price": 1}]};
like(sql_error(q{SELECT * FROM batch_cancel_preview('btc_usdt', '{1}'::float8[])}),
	qr/cannot hold ids exactly/, 'an array of double precision is refused');
like(sql_error(q{SELECT * FROM btse_create_order_preview('BTC-USD', 'BUY', 'LIMIT', 1::float8, 1)}),
	qr/function btse_create_order_preview\(.*double precision.*\) does not exist/, '... and an amount');
foreach my $type (qw(varchar json))
{
	like(sql_error("SELECT * FROM btse_create_orders_preview('$list'::$type)"),
		qr/function btse_create_orders_preview\(.*\) does not exist/, "orders as $type are refused");
}
like(sql_error(q{SELECT * FROM btse_cancel_all_after_preview('60 s'::varchar)}),
	qr/function btse_cancel_all_after_preview\(character varying\) does not exist/,
	'... and an interval as varchar');
is(sql(q{PREPARE p AS SELECT pg_typeof(order_id) FROM batch_cancel('btc_usdt', $1); EXECUTE p('{101}')}),
	'text', 'an array without a type is one of text');

$erp->stop;
done_testing();
