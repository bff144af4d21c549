# What docs/clients.md says of client programs: what becomes of rows on their way to
# one, of calls when it goes away, of cursors, of functions around calls, and
# of floating point. The program in Python is run word by word.

use strict;
use warnings;
use utf8;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use OrderGateway::Documents;
use OrderGateway::Sandbox;

my $documents = OrderGateway::Documents->new;
my $chapter = $documents->chapter('docs/clients.md');

sub recipe { return $documents->recipe(@_); }

my $node = PostgreSQL::Test::Cluster->new('clients');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'order_gateway'")
  if $ENV{OG_PRELOAD};
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE erp');

my $sandbox = OrderGateway::Sandbox->start(
	log => "${PostgreSQL::Test::Utils::tmp_check}/log/082_clients_sandbox.log");

sub sql { return $node->safe_psql('erp', $_[0]); }

# Run something that must fail; returns the error.
sub sql_error
{
	my ($sql) = @_;
	my ($exit, undef, $stderr) = $node->psql('erp', $sql);

	isnt($exit, 0, "fails: $sql");
	return $stderr;
}

# The rest of the server's log, from some place on.
sub log_since { return slurp_file($node->logfile, $_[0]); }

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

# A few lines of Python with psycopg2; returns what they print.
sub python
{
	my ($program) = @_;
	my ($output, $error);

	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	my $ok = IPC::Run::run([ 'python3', '-c', $program ],
		'<', \undef, '>', \$output, '2>', \$error);
	ok($ok, 'Python runs: ' . (split /\n/, $program)[0]) or diag($error);
	return $output;
}

$sandbox->install($node, database => 'erp', extension => 1,
	providers => [qw(xt btse wangdian)]);
sql(recipe($_)) foreach qw(orders log-table call-outcome last-outcome
	job-brake job-settle job-cancel trade-tables);
sql('CREATE ROLE order_desk');
sql(recipe('client-check-interval'));
is(sql(q{SELECT rolconfig FROM pg_roles WHERE rolname = 'order_desk'}),
	'{client_connection_check_interval=0}', 'a setting of the role');

# ----
# The client goes away
# ----

$sandbox->seed('xt', market => 'btc_usdt', range => [ 1, 400 ]);
{
	my $start = -s $node->logfile;

	client_goes_away(q{SELECT * FROM batch_cancel('btc_usdt', ARRAY[1])});
	is($sandbox->truth('xt')->{1}, 'cancelled', 'SELECT: the order is cancelled');
	unlike(log_since($start), qr/rolled back after/, '... and nobody tells');

	client_goes_away(q{INSERT INTO cancel_log SELECT 1, now(), 'xt', c.*
		FROM batch_cancel('btc_usdt', ARRAY['2']) AS c});
	is(sql(q{SELECT outcome FROM cancel_log WHERE order_id = '2'}), 'unknown',
		'INSERT: the row is there');

	$start = -s $node->logfile;
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
	my $start = -s $node->logfile;

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
# psycopg2
# ----

sql(q{TRUNCATE orders, cancel_log;
	INSERT INTO orders (id, provider, market, placed_at)
	SELECT i::text, 'xt', 'btc_usdt', now() FROM generate_series(1001, 1003) AS i});
$sandbox->seed('xt', market => 'btc_usdt', range => [ 1001, 3 ]);
is(python(recipe('client-psycopg') . 'print(answer["id"], answer["code"])'),
	"1001 cancelled The order has been canceled successfully\n"
	  . "1002 cancelled The order has been canceled successfully\n"
	  . "1001 120\n", 'the program of the document');
is(sql('SELECT id, status FROM orders ORDER BY id'),
	"1001|cancelled\n1002|cancelled\n1003|open", '... cancels what it names');
is(sql(q{SELECT count(*) FROM my_order WHERE size::text = '0.002' AND price::text = '34000.5'}), 2,
	'... and adds an order to those of the documents, digit for digit');

# What the chapter says of psycopg2 in particular.
sub psycopg2
{
	my ($query, $argument) = @_;

	return python(<<"END") =~ s/\n\z//r;
import psycopg2, psycopg2.extras, json
from decimal import Decimal
conn = psycopg2.connect("dbname=erp")
conn.autocommit = True
cur = conn.cursor()
try:
    cur.execute("""$query""", ($argument,))
    print(*[row[0] for row in cur.fetchall()], sep="\\n")
except psycopg2.Error as error:
    print(error)
END
}

my $ids = q{SELECT convert_from(decode((regexp_match(body, 'data=([^&]*)'))[1], 'base64'), 'UTF8')
	FROM batch_cancel_preview('btc_usdt', %s)};
my $size = q{SELECT body::json ->> 'size' FROM btse_create_order_preview('BTC-USD', 'BUY', 'LIMIT', %s, 1)};
my $orders = q{SELECT body::json ->> 'size' FROM btse_create_orders_preview(%s)};
my $list = q{[{"symbol": "BTC-USD", "side": "BUY", "type": "LIMIT", "size": 0.002, "price": 1}]};

is(psycopg2($ids, '[6216559590087220004]'), '[6216559590087220004]', 'psycopg2: ids are exact');
is(psycopg2($ids, '["6216559590087220004"]'), '[6216559590087220004]', '... as text too');
is(psycopg2($ids, '[6216559590087220004.0]'), '[6216559590087220000]',
	'... and a float is another order');
like(psycopg2($ids, '(1, 2)'), qr/function batch_cancel_preview\(unknown, record\) does not exist/,
	'... a tuple is no array');
is(psycopg2($size, '0.1 + 0.2'), '0.30000000000000004', '... a float is written as it is printed');
is(psycopg2($size, 'Decimal("0.0020")'), '0.0020', '... a Decimal with its digits');
is(psycopg2($orders, "json.dumps($list)"), '0.002', '... orders as text');
is(psycopg2($orders, "psycopg2.extras.Json($list)"), '0.002', '... and as Json');

# What other clients send, by the types that they give to arguments.
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

$documents->all_were_run;
$sandbox->stop;
$node->stop;
done_testing();
