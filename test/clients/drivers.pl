# Real drivers against the sandbox: psycopg2, psycopg 3, JDBC and node-postgres,
# each by itself and through pgbouncer in transaction mode. Each cancels 250
# orders, uses one statement again and again, meets a provider that does not
# answer, and gives ids and amounts in all the ways that its users would; what
# docs/clients.md shows of it is run word by word.
#
# "make check-clients" brings what this needs. A driver prints facts, a line
# each; here is what they must be.

use strict;
use warnings;
use utf8;

use IPC::Run ();
use List::Util qw(uniq);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

use OrderGateway::Erp;

my $HERE = "$ENV{OG_SOURCE_DIR}/test/clients";
my $JDBC_JAR = '/usr/share/java/postgresql.jar';

my $erp = OrderGateway::Erp->start('drivers', conf => <<'END');
listen_addresses = '127.0.0.1'
shared_preload_libraries = 'order_gateway'
order_gateway.databases = 'erp'
END
my ($node, $sandbox, $documents) = ($erp->node, $erp->sandbox, $erp->documents);
my $user = getpwuid($<);

sub recipe { return $documents->recipe(@_); }
sub sql { return $erp->sql(@_); }

# ----
# pgbouncer
# ----

my $pool_port = PostgreSQL::Test::Cluster::get_free_port();
my $pool;

sub start_pgbouncer
{
	my $conf = "${PostgreSQL::Test::Utils::tmp_check}/pgbouncer.ini";

	append_to_file($conf, <<"END");
[databases]
erp = host=@{[ $node->host ]} port=@{[ $node->port ]} user=$user pool_size=2
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $pool_port
unix_socket_dir =
auth_type = any
pool_mode = transaction
ignore_startup_parameters = extra_float_digits
END
	$pool = IPC::Run::start([ 'pgbouncer', $conf ], '<', \undef,
		'>&', "${PostgreSQL::Test::Utils::tmp_check}/log/pgbouncer.log");
	ok($node->poll_query_until('erp', 'SELECT true', 't',
			connstr => "host=127.0.0.1 port=$pool_port dbname=erp user=$user"),
		'pgbouncer takes connections');
	return;
}

# ----
# Running programs
# ----

# Run one with the database's address in its environment, at its own or at
# pgbouncer's port; returns what it prints.
sub run_program
{
	my ($port, @command) = @_;
	my ($output, $error);

	local @ENV{qw(PGHOST PGPORT PGUSER PGDATABASE)} = ('127.0.0.1', $port, $user, 'erp');
	my $ok = IPC::Run::run(\@command, '<', \undef, '>', \$output, '2>', \$error,
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	ok($ok, "@command[0, 1] runs") or diag($error);
	return $output;
}

# Lists are printed by each language in its own way.
sub as_words
{
	my ($text) = @_;

	$text =~ s/[\[\](),'\s]+/ /g;
	$text =~ s/^ | $//g;
	return $text =~ s/^(True|False)$/lc $1/er;
}

sub facts
{
	my ($output) = @_;

	return { map { /^(.+?): (.*)$/ ? ($1 => as_words($2)) : () } split /\n/, $output };
}

# Orders at XT, and nothing that was there before. Two of them get no answer.
my %black_hole;

sub fresh_orders
{
	$sandbox->reset;
	sql('TRUNCATE orders, cancel_log, settle_log, cancel_brake, my_order, submitted, submitted_call');
	sql(q{SELECT order_gateway_withdraw(call_id) FROM order_gateway_calls WHERE state = 'queued' AND note IS NULL});
	$node->poll_query_until('erp', q{SELECT count(*) = 0 FROM order_gateway_calls WHERE state <> 'done'})
	  or die 'calls that were withdrawn do not end';
	$sandbox->seed('xt', market => 'btc_usdt', ids => $_)
	  foreach [ 1001 .. 1250 ], [ 2001 .. 2007 ], [ 3001, 3002, 3004 ], ['6216559590087220004'];
	%black_hole = map { $_ => $sandbox->arm('black_hole', provider => 'xt', match_id => $_, times => 0) } qw(3001 3004);
	return;
}

# ----
# What each of them must find
# ----

my $ID = '6216559590087220004';
my $NO_FUNCTION = qr/function .* does not exist/;
my $NOT_EXACT = qr/cannot hold ids exactly/;

my %common = (
	rows => 250,
	'in order' => 'true',
	outcomes => 'cancelled',
	again => join(' ', ('cancelled') x 7),
	timeout => '57014',
	afterwards => 'cancelled',
	exact => "$ID cancelled",
	ids => $ID,
	'text ids' => $ID,
	decimal => '0.0020',
);
my $SUBMITTED = join ' ', 4001 .. 4007;
my %psycopg = (
	submitted => $SUBMITTED,
	'orders as text' => '0.002',
);
my %drivers = (
	psycopg2 => {
		command => [ 'python3', "$HERE/with_psycopg.py", 'psycopg2' ],
		facts => {
			%psycopg,
			'float ids' => '6216559590087220000',
			tuple => $NO_FUNCTION,
			float => '0.30000000000000004',
			'orders as Json' => '0.002',
		},
	},
	psycopg => {
		command => [ 'python3', "$HERE/with_psycopg.py", 'psycopg' ],
		facts => {
			%psycopg,
			'float ids' => $NOT_EXACT,
			tuple => qr/malformed array literal/,
			float => $NO_FUNCTION,
			'orders as Json' => $NO_FUNCTION,
			'orders as Jsonb' => '0.002',
		},
	},
	jdbc => {
		command => [ 'java', '-cp', $JDBC_JAR, "$HERE/WithJdbc.java" ],
		facts => {
			left => qr/error occurred while sending to the backend/,
			batch => 7,
			submitted => $SUBMITTED,
			'batch of SELECT' => 2,
			'long[]' => $ID,
			'String[]' => $ID,
			'float ids' => $NOT_EXACT,
			float => $NO_FUNCTION,
			'orders with a cast' => '0.002',
			'orders as text' => $NO_FUNCTION,
			'interval with a cast' => '1',
			'interval as text' => $NO_FUNCTION,
			'{call ...}' => qr/cancel_marked_orders is a procedure/,
		},
	},
	node => {
		command => [ 'node', "$HERE/with_node_postgres.js" ],
		facts => {
			left => 'Query read timeout',
			'number ids' => '6216559590087220000',
			float => '0.30000000000000004',
			'orders as text' => '0.002',
			'orders as objects' => 'invalid input syntax for type json',
			'order_id of an array of text' => 'string',
			'response parsed' => '6216559590087220000',
		},
	},
);

sub compare
{
	my ($name, $found, $expected) = @_;

	foreach my $what (grep { defined $expected->{$_} } sort keys %$expected)
	{
		my $must = $expected->{$what};
		my $is = delete $found->{$what} // 'nothing';

		ref $must ? like($is, $must, "$name: $what") : is($is, $must, "$name: $what");
	}
	is(join(', ', sort keys %$found), '', "$name: nothing else");
	return;
}

# What the sandbox knows afterwards.
sub nothing_lost
{
	my ($name) = @_;
	my $truth = $sandbox->truth('xt');
	my @sent = map { @{ $_->{ids} } } @{ $sandbox->requests(provider => 'xt') };

	is(scalar(grep { $truth->{$_} eq 'cancelled' } 1001 .. 1250), 250, "$name: they really are cancelled");
	is(sql(q{SELECT count(*), count(DISTINCT order_id), count(*) FILTER (WHERE batch <= 3)
		FROM cancel_log WHERE call_id = 250}), '250|250|250', "$name: ... in three requests");
	is(scalar(@sent), scalar(uniq @sent), "$name: no order was sent twice");
	is(sql('SELECT count(*) FROM cancel_log WHERE call_id = 3'), 0, "$name: what has no answer has no row");
	return;
}

# What a client has left that did not wait.
sub call_went_on
{
	my ($name) = @_;

	for (my $tries = 0; $tries < 10 * $PostgreSQL::Test::Utils::timeout_default; $tries++)
	{
		last if $sandbox->fired($black_hole{3004});
		usleep(100_000);
	}
	$sandbox->disarm;
	ok($node->poll_query_until('erp', q{SELECT outcome = 'unknown' FROM cancel_log WHERE call_id = 4}),
		"$name: ... but the call went on, and has its row");
	return;
}

# The drivers' addresses: all take those of libpq from the environment, but one.
sub driver_command
{
	my ($driver, $port) = @_;

	return (@{ $driver->{command} },
		$driver->{command}[0] eq 'java' ? "jdbc:postgresql://127.0.0.1:$port/erp?user=$user" : ());
}

$sandbox->install($node, database => 'erp', extension => 1, providers => [qw(xt btse)], rate_limit => 'off');
$erp->run_recipes(qw(orders submitted job-orders log-table call-outcome last-outcome job-brake job-settle
	job-cancel trade-tables settle-job));
sql('CREATE TABLE submitted (call_id bigint)');
start_pgbouncer();

foreach my $name (sort keys %drivers)
{
	my $driver = $drivers{$name};

	fresh_orders();
	compare($name, facts(run_program($node->port, driver_command($driver, $node->port))),
		{ %common, prepared => 'true', %{ $driver->{facts} } });
	nothing_lost($name);
	call_went_on($name) if $driver->{facts}{left};

	fresh_orders();
	compare("$name, pooled", facts(run_program($pool_port, driver_command($driver, $pool_port), 'pooled')),
		{ %common, prepared => 'false', %{ $driver->{facts} }, left => undef });
	nothing_lost("$name, pooled");
}

# ----
# The programs of the document
# ----

# Run one of them on orders that are stale; returns what it prints.
sub run_recipe
{
	my ($name, @command) = @_;

	fresh_orders();
	sql(q{INSERT INTO orders (id, provider, market, placed_at)
		SELECT i::text, 'xt', 'btc_usdt', now() FROM generate_series(1001, 1003) AS i});
	my $output = run_program($node->port, @command);
	is(sql('SELECT id, status FROM orders ORDER BY id'), "1001|cancelled\n1002|cancelled\n1003|open",
		"$name: cancels what it names");
	return $output;
}

foreach my $module (qw(psycopg2 psycopg))
{
	my $program = recipe('client-psycopg') =~ s/psycopg2/$module/gr;

	is(run_recipe($module, 'python3', '-c', $program . 'print(answer["id"], answer["code"])'),
		"1001 cancelled The order has been canceled successfully\n"
		  . "1002 cancelled The order has been canceled successfully\n"
		  . "1001 120\n", "$module: ... and says so");
	is(sql(q{SELECT count(*) FROM my_order WHERE size::text = '0.002' AND price::text = '34000.5'}), 1,
		"$module: ... and adds an order, digit for digit");
}
# What was submitted is done, and the orders are cancelled.
sub all_cancelled
{
	my ($name) = @_;

	ok($node->poll_query_until('erp', 'SELECT count(*) = 0 FROM order_gateway_calls WHERE done_at IS NULL'),
		"$name: the worker makes the calls");
	is(sql(q{SELECT DISTINCT ON (order_id) order_id, outcome FROM order_gateway_find(ARRAY['1001', '1002'])
		ORDER BY order_id, call_id DESC}), "1001|cancelled\n1002|cancelled", "$name: ... which cancel");
	return;
}

# The COMMIT of the first attempt is carried out, and nobody hears of it.
my %lossy = (
	psycopg2 => <<'END',
import psycopg2
class Lossy(psycopg2.extensions.connection):
    lost = False
    def commit(self):
        super().commit()
        if not Lossy.lost:
            Lossy.lost = True
            raise psycopg2.OperationalError("the connection is lost")
connect = psycopg2.connect
psycopg2.connect = lambda dsn: connect(dsn, connection_factory=Lossy)
END
	psycopg => <<'END');
import psycopg
class Lossy(psycopg.Connection):
    lost = False
    def commit(self):
        super().commit()
        if not Lossy.lost:
            Lossy.lost = True
            raise psycopg.OperationalError("the connection is lost")
psycopg.connect = Lossy.connect
END
foreach my $module (qw(psycopg2 psycopg))
{
	my $program = $lossy{$module} . recipe('client-submit') =~ s/psycopg2/$module/gr;

	fresh_orders();
	is(run_program($node->port, 'python3', '-c', $program . 'print(Lossy.lost)'),
		"1001 cancelled The order has been canceled successfully\n"
		  . "1002 cancelled The order has been canceled successfully\nTrue\n",
		"$module: a COMMIT that got lost");
	is(scalar @{ $sandbox->executed('xt') }, 2, "$module: ... is carried out once");
	all_cancelled($module);
}
{
	my $file = "${PostgreSQL::Test::Utils::tmp_check}/Submit.java";

	append_to_file($file, "import java.sql.*;\n"
		  . "public class Submit {\npublic static void main(String[] arguments) throws Exception {\n"
		  . "Connection conn = DriverManager.getConnection(arguments[0]);\n"
		  . recipe('client-jdbc-submit') . "}\n}\n");
	fresh_orders();
	run_program($node->port, driver_command({ command => [ 'java', '-cp', $JDBC_JAR, $file ] }, $node->port)) foreach 1, 2;
	all_cancelled('jdbc');
	is(scalar @{ $sandbox->executed('xt') }, 2, 'jdbc: ... once each, in a batch that is repeated');
}
{
	my $file = "${PostgreSQL::Test::Utils::tmp_check}/Recipe.java";

	append_to_file($file, "import java.sql.*;\n"
		  . "public class Recipe {\npublic static void main(String[] arguments) throws Exception {\n"
		  . "Connection conn = DriverManager.getConnection(arguments[0]);\n"
		  . recipe('client-jdbc') . "}\n}\n");
	run_recipe('jdbc', driver_command({ command => [ 'java', '-cp', $JDBC_JAR, $file ] }, $node->port));
}
is(run_recipe('node', 'node', '-e', "const { Client } = require('pg');\n"
	  . "(async () => { const client = new Client(); await client.connect();\n"
	  . recipe('client-node')
	  . "console.log(rows.map(row => JSON.parse(row.response).code).join());\n"
	  . "await client.end(); })();"), "120,120\n", 'node: ... and says so');

$pool->kill_kill;
$erp->stop;
done_testing();
