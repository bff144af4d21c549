# examples/monitoring as they are meant: the exporter runs the queries, Prometheus
# scrapes it and keeps the rules, the dashboard's questions get answers. Needs
# programs that "make check" does not install: see "make check-monitoring".

use strict;
use warnings;
use utf8;

use File::Basename qw(dirname);
use HTTP::Tiny;
use IPC::Run ();
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use OrderGateway::Documents;
use OrderGateway::Monitoring;
use OrderGateway::Test qw(letters);

my $TOP = $ENV{OG_SOURCE_DIR} // dirname(__FILE__) . '/../..';

# Where a program is: where make has put it, or where it is installed.
sub program
{
	my ($name) = @_;
	my ($path) = grep { -x } map { "$_/$name" } grep { defined } $ENV{OG_PROMETHEUS}, split /:/, $ENV{PATH};

	return $path;
}

my %program = map { $_ => program($_) } qw(prometheus promtool prometheus-postgres-exporter);
plan skip_all => '"make check-monitoring" runs this, with Prometheus and its exporter'
  if grep { !defined } values %program;

my $monitoring = OrderGateway::Monitoring->new($TOP);
my $documents = OrderGateway::Documents->new;

# ----
# The rules alone
# ----

sub promtool
{
	my ($name, @arguments) = @_;

	my $output = '';
	my $succeeded = IPC::Run::run([ $program{promtool}, @arguments ], '>&', \$output);

	ok($succeeded, $name) or diag($output);
	return $output;
}

promtool('the rules are valid', 'check', 'rules', $monitoring->path('alerts.yaml'));
promtool('they fire when they should', 'test', 'rules', $monitoring->path('alerts-test.yaml'));

# ----
# A cluster, an exporter and Prometheus, as the documents set them up
# ----

my $test = OrderGateway::Test->start(preload => 1, conf => "order_gateway.databases = 'postgres, nowhere'",
	options => { rate_limit => 'off', streams => 1 });
my ($node, $sandbox) = ($test->node, $test->sandbox);
my $owner = $test->session;

sub run_file
{
	my ($file) = @_;

	$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-f', $file ],
		"$file runs");
}

$node->safe_psql('postgres', $documents->recipe($_)) foreach qw(orders job-orders log-table call-outcome last-outcome);
run_file($monitoring->path($_)) foreach qw(setup.sql setup-log.sql);
$owner->query('CALL order_gateway_monitoring.check_servers()');

my $dir = PostgreSQL::Test::Utils::tempdir();
my %port = map { $_ => PostgreSQL::Test::Cluster::get_free_port() } qw(exporter prometheus);
my $log_dir = "${PostgreSQL::Test::Utils::tmp_check}/log";
my @processes;

sub start_process
{
	my ($name, @command) = @_;

	push @processes, IPC::Run::start(\@command, '<', \undef, '>', "$log_dir/161_$name.log", '2>&1');
}
END
{
	local $?;
	$_->kill_kill(grace => 5) foreach @processes;
}

append_to_file("$dir/queries.yaml", $monitoring->text('queries.yaml') . $monitoring->text('queries-log.yaml'));
append_to_file("$dir/prometheus.yml", <<"END");
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [@{[ $monitoring->path('alerts.yaml') ]}]
scrape_configs:
  - job_name: postgresql
    static_configs: [{targets: ["127.0.0.1:$port{exporter}"]}]
END
promtool('Prometheus is configured', 'check', 'config', "$dir/prometheus.yml");
{
	local $ENV{DATA_SOURCE_NAME} = 'host=' . $node->host . ' port=' . $node->port
	  . ' user=order_gateway_monitor dbname=postgres sslmode=disable';
	start_process('exporter', $program{'prometheus-postgres-exporter'},
		"--extend.query-path=$dir/queries.yaml", '--disable-default-metrics', '--disable-settings-metrics',
		'--no-collector.database', '--no-collector.bgwriter', "--web.listen-address=127.0.0.1:$port{exporter}");
}
start_process('prometheus', $program{prometheus}, "--config.file=$dir/prometheus.yml",
	"--storage.tsdb.path=$dir/data", '--log.level=warn', "--web.listen-address=127.0.0.1:$port{prometheus}");

my $http = HTTP::Tiny->new(timeout => 10);

# What Prometheus answers to an expression: an array, or undef where it does not
# understand or is not there.
sub ask
{
	my ($expr) = @_;
	my $query = $http->www_form_urlencode({ query => $expr });
	my $answer = $http->get("http://127.0.0.1:$port{prometheus}/api/v1/query?$query");

	return $answer->{success} ? JSON::PP->new->decode($answer->{content})->{data}{result} : undef;
}

sub wait_for
{
	my ($expr, $name) = @_;

	return $test->wait_until(sub { return @{ ask($expr) // [] } > 0; }, $name);
}

wait_for('order_gateway_calls_in_progress == 0', 'Prometheus knows that nobody calls');
is_deeply(ask('ALERTS{alertstate="firing"}'), [], '... and has no alert');
is_deeply(ask('pg_exporter_last_scrape_error == 1'), [], '... nor an error of the exporter');

# ----
# The first call of all: an answer gets lost. And a second one.
# ----

$test->seed('xt', 1 .. 250);
$sandbox->arm('close_after', provider => 'xt', match_id => 101);
is(letters($owner->call('xt', [ 1 .. 250 ])), 'C*100' . 'U*100' . 'C*50', 'a lost answer in the first call');
wait_for('ALERTS{alertname="OrderGatewayUnknown", alertstate="firing", foreign_server="xt"}', '... fires an alert');
is(ask('sum(order_gateway:orders:new15m{outcome="unknown"})')->[0]{value}[1], 100, '... about a hundred orders');
$sandbox->arm('retry_after', provider => 'tronsave', seconds => 1500);
$sandbox->settings(accept_any_id => 'on');
$owner->call('tronsave', ['a']);
wait_for('ALERTS{alertname="OrderGatewayLaneHeldLong", alertstate="firing"}', 'a lane that is held fires another');
$owner->query(q{INSERT INTO orders (id, provider, market, placed_at, status, call_id, claimed_at)
	VALUES ('101', 'xt', 'btc_usdt', now(), 'check', 1, now())});
wait_for('order_gateway_to_check_orders{outcome="no row"} == 1', 'an order that waits for somebody is seen');
$owner->call('xt', [251]);
wait_for('increase(order_gateway_calls_total{foreign_server="xt"}[1m]) > 0', 'another call is seen');

# Submitted calls: another answer gets lost.
$sandbox->arm('close_after', provider => 'xt', match_id => 260);
$owner->query(q{SELECT batch_cancel_submit('btc_usdt', ARRAY['260'])});
wait_for('order_gateway_journal_unknown_orders{foreign_server="xt"} == 101', 'orders of the journal that are unknown are seen');
wait_for('order_gateway_worker_running{database="postgres"} == 1', '... and the worker');
$owner->query(q{SELECT btse_heartbeat_start('1 h', 'btse')});
wait_for('order_gateway_heartbeat_armed{foreign_server="btse"} == 1', '... and a heartbeat');

# Streams: a book that is live, best prices that do not come any more, and notifications
# that are lost.
$owner->query(q{SELECT btse_stream_start('book', 'BTC-USD'), btse_stream_start('l1', 'BTC-USD'),
	btse_stream_start('fills'), btse_stream_start('notifications')});
wait_for(qq{order_gateway_stream_state_seconds{state="live", kind="$_"}}, "$_ are seen to be live")
  foreach qw(book l1 fills notifications);
wait_for('order_gateway_book_depth_size{symbol="BTC-USD", side="buy", within="all"} > 0', '... and how deep the book is');
is_deeply(ask('ALERTS{alertname=~"OrderGateway(Stream|Book|Fills).*", alertstate="firing"}'), [], '... without an alert');
$sandbox->arm('stream_silent', topic => 'snapshotL1:BTC-USD', times => 0);
$sandbox->close_streams(topic => 'snapshotL1:BTC-USD');
wait_for('ALERTS{alertname="OrderGatewayStreamStale", alertstate="pending", kind="l1"}', 'an alert of one that is stale is on its way');
$sandbox->close_streams(topic => 'fills');
wait_for('ALERTS{alertname="OrderGatewayStreamHole", alertstate="firing", kind="notifications"}', 'a hole fires another');

# what the exporter shows
my $exposed = $http->get("http://127.0.0.1:$port{exporter}/metrics")->{content};
my %exposed = map { $_ => 1 } $exposed =~ /^(order_gateway_\w+)/mg;
is_deeply([ grep { !$exposed{$_} } grep { !/^order_gateway_activity_/ } $monitoring->metrics ], [],
	'the exporter shows each metric');
my @buckets = $exposed =~ /^order_gateway_answer_seconds_bucket\{[^}]*foreign_server="xt"[^}]*le="([^"]+)"\}/mg;
is("@buckets", '0.001 0.002 0.005 0.01 0.02 0.05 0.1 0.2 0.5 1 2 5 10 20 50 +Inf', '... histograms as buckets');
unlike($exposed, qr/^pg_stat_/m, '... and nothing else of the server');
foreach my $provider ($sandbox->providers)
{
	my $credentials = $sandbox->credentials($provider);

	unlike($exposed, qr/\Q$credentials->{$_}\E/, "... not the $_ of $provider")
	  foreach grep { $_ ne 'sid' } sort keys %$credentials;
}

# ----
# The dashboard
# ----

my $caller = $test->session;
$node->safe_psql('postgres', $sandbox->server_sql('wangdian', name => 'wd', timeout => '1h')
	  . $sandbox->mapping_sql('wangdian', name => 'wd'));
$sandbox->arm('black_hole', provider => 'wangdian', match_id => 'CR-1', times => 0);
$caller->send_call('wangdian', ['CR-1'], server => 'wd');
wait_for('order_gateway_activity_calls{foreign_server="wd", waiting_for="answer"}', 'a call in progress is seen');
my %quiet = map { $_ => 1 } ('How many calls wait for their turn?');
foreach my $panel ($monitoring->panels('prometheus'))
{
	my @answers = map { ask(OrderGateway::Monitoring::expression($_->{expr})) } @{ $panel->{targets} };

	is(scalar(grep { defined } @answers), scalar @{ $panel->{targets} }, "\"$panel->{title}\": Prometheus understands it");
	ok((grep { @{ $_ // [] } } @answers) > 0, '... and has an answer') if !$quiet{ $panel->{title} };
}

my @draw = ('python3', '-B', "$TOP/test/demo/dashboard.py", '--dashboard', $monitoring->path('dashboard-prometheus.json'),
	'--prometheus', "http://127.0.0.1:$port{prometheus}", '--seconds', 60);
my $complaints = '';
ok(IPC::Run::run(\@draw, '>', "$dir/dashboard.svg", '2>', \$complaints), 'it is drawn') or diag($complaints);
my $svg = slurp_file("$dir/dashboard.svg");
like($svg, qr/>$_</, "... with \"$_\"") foreach qw(OrderGatewayUnknown OrderGatewayLaneHeldLong batch_cancel);
unlike($svg, qr/>No data</, '... and something in each panel');
ok(IPC::Run::run([ 'python3', '-c', 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])', "$dir/dashboard.svg" ]),
	'... as XML');

# ----
# Nobody watches
# ----

$owner->query('REVOKE pg_read_all_stats FROM order_gateway_monitor');
wait_for('absent(order_gateway_calls_in_progress) and on () pg_exporter_last_scrape_error == 1',
	'without the right to see, nothing is shown');
wait_for('ALERTS{alertname="OrderGatewayNobodyWatches", alertstate="pending"}', '... and an alert is on its way');

$sandbox->disarm;
$caller->finish_call;
done_testing();
