# examples/monitoring and examples/psqlrc: their SQL runs as the role that only
# watches, and tells the truth; files agree with each other and with the
# documents. What Prometheus makes of them is tested by 161_prometheus.

use strict;
use warnings;
use utf8;

use Encode qw(decode_utf8);
use File::Basename qw(dirname);
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;

use OrderGateway::Documents;
use OrderGateway::Monitoring;
use OrderGateway::Test qw(letters);

my $TOP = $ENV{OG_SOURCE_DIR} // dirname(__FILE__) . '/../..';
my $CHAPTERS = 'docs/dashboards.md';
my $ROLE = 'order_gateway_monitor';

my $monitoring = OrderGateway::Monitoring->new($TOP);
my $documents = OrderGateway::Documents->new;

# ----
# A database that is set up as the documents say
# ----

my $test = OrderGateway::Test->start(preload => 1, conf => "order_gateway.databases = 'postgres, nowhere'",
	options => { rate_limit => 'off', streams => 1 });
my ($node, $sandbox) = ($test->node, $test->sandbox);

sub psql_file
{
	my ($file, $database) = @_;
	my $err = '';

	IPC::Run::run([ 'psql', '-X', '-q', '-d', $node->connstr($database // 'postgres'), '-f', $file ],
		'>', \my $out, '2>', \$err);
	return $err;
}

$node->safe_psql('postgres', $documents->recipe($_))
  foreach qw(orders job-orders log-table call-outcome last-outcome);
is(psql_file($monitoring->path('setup.sql')), '', 'setup.sql runs');
is(psql_file($monitoring->path('setup-log.sql')), '', 'setup-log.sql runs');
like(psql_file($monitoring->path('setup.sql')), qr/schema "order_gateway_monitoring" already exists/,
	'... and stops where it was run before');

# another database, in which the extension is elsewhere
$node->safe_psql('postgres', q{CREATE DATABASE "Two" ENCODING UTF8 TEMPLATE template0});
$node->safe_psql('Two', 'CREATE SCHEMA "Gate"; CREATE EXTENSION order_gateway SCHEMA "Gate"');
is(psql_file($monitoring->path('setup.sql'), 'Two'), '', '... in another database it goes on');
is($test->session(database => 'Two', user => $ROLE)->error($_->{sql}), 'none', "... where $_->{name} runs")
  foreach $monitoring->queries('queries.yaml');
is($test->session(database => 'Two', user => $ROLE)->error('TABLE findings'), 'none', '... as what is wrong does');

my $owner = $test->session;
my $monitor = $test->session(user => $ROLE);

# ----
# It watches, and can do nothing else
# ----

is($monitor->error($_->[1]), $_->[0], "not allowed to the role that watches: $_->[1]") foreach (
	[ '42501', q{SELECT FROM batch_cancel('btc_usdt', ARRAY['1'])} ],
	[ '42501', q{SELECT FROM order_gateway_check('xt')} ],
	[ '42501', 'SELECT order_gateway_stats_reset()' ],
	[ '42501', 'SELECT FROM orders' ],
	[ '42501', 'SELECT response FROM cancel_log' ],
	[ '42501', 'CALL order_gateway_monitoring.check_servers()' ],
	[ '42501', q{SELECT batch_cancel_submit('btc_usdt', ARRAY['1'])} ],
	[ '42501', 'SELECT FROM order_gateway_journal_call' ],
	[ '42501', q{SELECT btse_stream_start('fills')} ],
	[ '42501', 'SELECT btse_stream_stop(1)' ],
	[ '42501', 'SELECT FROM order_gateway_stream_event' ],
	[ '25006', 'DELETE FROM order_gateway_monitoring.check_result' ],
	[ '42501', 'BEGIN READ WRITE; DELETE FROM order_gateway_monitoring.check_result' ]);
$monitor->query('ROLLBACK');
is($monitor->value('SELECT count(umoptions) FROM pg_user_mappings'), 0, '... nor the secrets of mappings');
is($monitor->value("SELECT string_agg(r.rolname, ' ') FROM pg_auth_members AS m"
		  . " JOIN pg_roles AS r ON r.oid = m.roleid WHERE m.member = current_user::regrole"),
	'pg_read_all_stats', 'it is a member of nothing but pg_read_all_stats');

# ----
# Something to see: each outcome, a held lane, a server dropped and made again
# ----

$sandbox->settings(accept_any_id => 'on');
sub server
{
	my ($provider, $name, %options) = @_;

	$node->safe_psql('postgres', $sandbox->server_sql($provider, name => $name, %options)
		  . $sandbox->mapping_sql($provider, name => $name));
}

server('xt', 'xt2', rate_limit => 'off');
is(letters($owner->call('xt', [1], server => 'xt2')), 'C', 'a call of a server that is then dropped');
$owner->query('DROP SERVER xt2 CASCADE');
server('xt', 'xt2', rate_limit => 'off');
is(letters($owner->call('xt', [ 2, 3 ], server => 'xt2')), 'CC', '... and of another of its name');
$sandbox->arm('close_after', provider => 'xt', match_id => 1150);
is(letters($owner->call('xt', [ 1001 .. 1250 ])), 'C*100' . 'U*100' . 'C*50', 'a lost answer');
$test->own_server('btse', 'btse2', rate_limit => 'off');
$owner->query("ALTER USER MAPPING FOR CURRENT_USER SERVER btse2 OPTIONS (SET secret_key 'wrong')");
is(letters($owner->call('btse', [1], server => 'btse2')), 'R', 'a wrong key');
$sandbox->arm('retry_after', provider => 'tronsave', seconds => 1500);
$owner->call('tronsave', [1]);
$sandbox->arm('black_hole', provider => 'wangdian', match_id => 'CR-1', times => 0);
my $caller = $test->session;
server('wangdian', 'wd', timeout => '1h');
$caller->send_call('wangdian', ['CR-1'], server => 'wd');
$test->wait_until(sub { return $owner->value('SELECT count(*) FROM order_gateway_activity') == 1 },
	'a call in progress');
$owner->query(q{
	INSERT INTO orders (id, provider, market, placed_at, status, call_id, claimed_at)
	VALUES ('1150', 'xt', 'btc_usdt', now(), 'check', 1, now());
	INSERT INTO cancel_log (call_id, logged_at, server, order_id, outcome, sent_at)
	VALUES (1, now(), 'xt', '1150', 'unknown', now())});

# Submitted: one whose answer gets lost, and one that waits for an hour.
$sandbox->arm('close_after', provider => 'xt', match_id => 1260);
my $lost = $owner->value(q{SELECT batch_cancel_submit('btc_usdt', ARRAY['1260'])});
like(join(',', @{ $owner->query("SELECT order_id, outcome FROM order_gateway_wait($lost)")->{lines} }), qr/^1260\|unknown$/,
	'a submitted call whose answer is lost');
my $waiting = $owner->value(q{SELECT batch_cancel_submit('btc_usdt', ARRAY['1261'], not_before => now() + interval '1 hour')});
$test->wait_until(sub { return $owner->value(q{SELECT queued FROM order_gateway_workers WHERE database = 'postgres'}) == 1 },
	'one that waits');
$owner->query(q{SELECT btse_heartbeat_start('1 h', 'btse')});
$test->wait_until(sub { return $owner->value('SELECT state FROM order_gateway_heartbeats') eq 'armed' }, 'a heartbeat that is armed');
server('xt', 'away', rate_limit => 'off');
$owner->query(q{ALTER SERVER away OPTIONS (SET base_url 'https://127.0.0.1:1/xt')});
my $unsent = $owner->value(q{SELECT batch_cancel_submit('btc_usdt', ARRAY['1262', '1263'], 'away',
	expires_at => now() + interval '4 s')});
$test->wait_until(sub { return $owner->value(q{SELECT oldest_queued IS NOT NULL AND last_error ~ '"away"'
	FROM order_gateway_workers WHERE database = 'postgres'}) eq 't' }, 'a server that cannot be reached: its call is queued');
like(join(',', @{ $owner->query("SELECT DISTINCT outcome, attempts > 1 FROM order_gateway_wait($unsent)")->{lines} }),
	qr/^not_sent\|t$/, 'one that cannot be sent, however often it is tried');
is($monitor->value('SELECT count(*) FROM order_gateway_calls'), 0, '... and the role that watches sees whose calls they are not');

# Followed: a book, fills, and a market that there is not.
my ($book, $fills, $nowhere) = map { $owner->value("SELECT btse_stream_start($_)") }
  q{'book', 'BTC-USD'}, q{'fills'}, q{'l1', 'NO-SUCH'};
$test->wait_until(sub { return $owner->value(q{SELECT string_agg(state, ' ' ORDER BY stream_id) FROM order_gateway_streams})
	eq 'live live refused' }, 'streams, two of them live');
is($monitor->value('SELECT count(*) FROM order_gateway_streams'), 0, '... and the role that watches sees none by itself');

# ----
# Checks
# ----

$owner->query(q{
	CREATE ROLE jobs LOGIN;
	GRANT USAGE ON FOREIGN SERVER xt, btse TO jobs});
$owner->query($documents->recipe('monitoring-checks'));
$owner->query($sandbox->mapping_sql('xt', role => 'jobs'));
$owner->query($sandbox->mapping_sql('btse', role => 'jobs'));
$owner->query($sandbox->mapping_sql('wangdian', role => 'jobs'));
my $jobs = $test->session(user => 'jobs');

sub checked
{
	my ($columns) = @_;
	my $result = $jobs->query('CALL order_gateway_monitoring.check_servers()');

	is($result->{sqlstate}, undef, 'all servers with a mapping are checked') or diag($result->{stderr});
	return $owner->query("SELECT $columns FROM order_gateway_monitoring.check_result"
		  . ' ORDER BY server, item')->{lines};
}

my @checks = grep { /^(btse\|credentials|wangdian|xt\|certificate)/ }
  @{ checked('server, item, ok, result, certificate_until > now(), failed_since IS NULL') };
is(scalar @checks, 3, '... in rows');
like($checks[0], qr/^btse\|credentials\|t\|accepted by .*\|\|t$/, '... one that is well');
like($checks[1], qr/^wangdian\|check\|f\|permission denied for foreign server wangdian\|\|f$/,
	'... one that the role may not use');
like($checks[2], qr/^xt\|certificate\|t\|until .*\|t\|t$/, '... the end of a certificate');
$owner->query(q{GRANT USAGE ON FOREIGN SERVER wangdian TO jobs;
	ALTER USER MAPPING FOR jobs SERVER btse OPTIONS (SET secret_key 'wrong');
	DROP USER MAPPING FOR jobs SERVER xt});
my ($since) = grep { $_ } @{ checked('CASE WHEN NOT ok THEN failed_since END') };
is_deeply([ grep { $_ } @{ checked('CASE WHEN NOT ok THEN failed_since END') } ], [$since],
	'what fails again keeps the time since when');
is($owner->value(q{SELECT string_agg(DISTINCT server || ' ' || (item = 'check'), ', ')
	FROM order_gateway_monitoring.check_result}), 'btse false, wangdian false',
	'... rows of a server without a mapping go, and what was refused is well now');
$owner->query('CALL order_gateway_monitoring.check_servers()');

# ----
# The queries of the exporter
# ----

# The rows of some SQL as hashes.
sub rows
{
	my ($session, $sql) = @_;
	my $statement = $sql =~ s/;?\s*\z//r;

	return $session->rows("SELECT row_to_json(q) FROM ($statement) AS q");
}

my %rows;
foreach my $query ($monitoring->queries)
{
	my ($name, @metrics) = ($query->{name}, @{ $query->{metrics} });
	my @labels = map { $_->{name} } grep { $_->{usage} eq 'LABEL' } @metrics;
	my @values = map { $_->{name} } grep { $_->{usage} ne 'LABEL' } @metrics;
	my @histograms = map { $_->{name} } grep { $_->{usage} eq 'HISTOGRAM' } @metrics;
	my $rows = $rows{$name} = rows($monitor, $query->{sql});
	my @wrong;

	cmp_ok(scalar @$rows, '>', 0, "the query $name has rows");
	push @values, map { my $h = $_; map { $h . $_ } qw(_bucket _sum _count) } @histograms;
	is_deeply([ sort keys %{ $rows->[0] } ], [ sort @labels, @values ], '... of what it declares')
	  if @$rows;
	ok(!(grep { $_ eq 'server' } @labels), '... without a label "server"');

	my %seen;
	foreach my $row (@$rows)
	{
		push @wrong, 'labels are there twice' if $seen{ join "\0", @$row{@labels} }++;
		push @wrong, "$_ is null" foreach grep { !defined $row->{$_} } @labels, @values;
	}
	is("@wrong", '', '... each with labels of its own, and nothing is null');
}

sub metric
{
	my ($name, $column, %labels) = @_;
	my @found = grep { my $row = $_; !grep { $row->{$_} ne $labels{$_} } keys %labels } @{ $rows{$name} };

	return join ' ', map { $_->{$column} } @found;
}

is(metric('order_gateway_calls', 'in_progress'), 1, 'a call in progress');
is(metric('order_gateway_orders', 'total', foreign_server => 'xt', function => 'batch_cancel', outcome => 'unknown'),
	101, 'orders that are unknown');
is(metric('order_gateway_orders', 'total', foreign_server => 'xt2', outcome => 'cancelled'), 3,
	'a server that was dropped counts with another one of its name');
is(metric('order_gateway_orders', 'total', foreign_server => 'btse2', outcome => 'rejected'), 1, 'a refused order');
cmp_ok(metric('order_gateway_lane', 'held_seconds', foreign_server => 'tronsave', class => 'orders'), '>', 1400, 'a held lane');
is(metric('order_gateway_activity', 'waiting_for', foreign_server => 'wd'), 'answer', 'what a call waits for');
is(metric('order_gateway_check', 'ok', foreign_server => 'btse', role => 'jobs', item => 'credentials'), 0, 'a check that fails');
is(metric('order_gateway_orders', 'total', foreign_server => 'away', outcome => 'not_sent'), 2,
	'what is tried again and again is counted once');
is(metric('order_gateway', 'calls_total', foreign_server => 'away'), 1, '... and so is its call');
is(metric('order_gateway_worker', 'running', database => 'postgres'), 1, 'a worker that runs');
is(metric('order_gateway_worker', 'queued', database => 'postgres'), 1, '... with a call that waits');
is(metric('order_gateway_worker', 'database'), 'postgres', '... of a database that there is');
like(metric('order_gateway_worker_error', 'error', database => 'nowhere'), qr/\w/, 'why another is missing');
is(metric('order_gateway_journal', 'unknown_orders', foreign_server => 'xt', function => 'batch_cancel'), 101,
	'orders of the journal that are unknown');
is(metric('order_gateway_journal', 'calls', foreign_server => 'xt', function => 'batch_cancel'), 2,
	'... of calls that are done, in the session and submitted');
is(metric('order_gateway_heartbeat', 'armed', foreign_server => 'btse', role => 'postgres'), 1, 'a heartbeat that is in time');
cmp_ok(metric('order_gateway_heartbeat', 'remaining_seconds', foreign_server => 'btse'), '>', 2400, '... and when it fires');
is(metric('order_gateway_stream_worker', 'running', database => 'postgres'), 1, 'a stream worker that runs');
is(metric('order_gateway_stream_state', 'state', stream_id => $fills), 'live', '... and what state a stream is in');
is(metric('order_gateway_to_check', 'orders', foreign_server => 'xt', outcome => 'unknown'), 1, 'an order that waits for somebody');

foreach my $row (@{ $rows{order_gateway} })
{
	my @buckets = @{ $row->{answer_seconds_bucket} };
	my @falling = grep { $buckets[$_] < $buckets[ $_ - 1 ] } 1 .. $#buckets;
	my $own = $owner->value("SELECT sum(answers) || ' ' || coalesce(sum(mean_answer_time * answers), 0)"
		  . " FROM order_gateway_stats WHERE server = '$row->{foreign_server}' AND function = '$row->{function}'");
	my ($answers, $sum) = split / /, $own;

	is(scalar @buckets, scalar @{ $row->{answer_seconds} }, "$row->{function} at $row->{foreign_server}: a bucket for each bound");
	is("@falling", '', '... each with what is in those before');
	cmp_ok($buckets[-1], '<=', $row->{answer_seconds_count}, '... no more than there are answers');
	is($row->{answer_seconds_count}, $answers, '... which are counted');
	cmp_ok(abs($row->{answer_seconds_sum} - $sum / 1000), '<', 1e-6, '... and summed up');
}
is_deeply($owner->query(q{SELECT * FROM order_gateway_stats WHERE cardinality(answer_time_histogram) <> 16})->{lines}, [],
	'the bounds are those of the histogram');
my ($bounds) = $owner->value(q{SELECT col_description('order_gateway_stats'::regclass, attnum)
	FROM pg_attribute WHERE attrelid = 'order_gateway_stats'::regclass AND attname = 'answer_time_histogram'})
  =~ /up to (.*), and above/;
my ($milliseconds, $seconds) = $bounds =~ /^(.*) ms, (.*) s$/;
is_deeply($rows{order_gateway}[0]{answer_seconds},
	[ (map { $_ / 1000 } split /, /, $milliseconds), split /, /, $seconds ], '... word by word');

# a role that is not allowed to
$owner->query('CREATE ROLE curious LOGIN');
my $curious = $test->session(user => 'curious');
my ($canary) = $monitoring->queries('queries.yaml');
is($canary->{name}, 'order_gateway_calls', 'the first query is that which is always there');
is($curious->error($canary->{sql}), '42501', '... and it fails for a role that may not see all');
$owner->query('GRANT pg_monitor TO curious');
is($test->session(user => 'curious')->error($canary->{sql}), 'none', '... pg_monitor may');

# ----
# The view of what is wrong
# ----

my @findings = @{ rows($monitor, 'SELECT severity, what, whose, since IS NOT NULL AS since, what_to_do FROM order_gateway_monitoring.findings') };
my %finding = map { $_->{what} => $_ } @findings;
is($finding{'101 unknown'}{whose}, 'postgres.xt, batch_cancel', 'findings: what is unknown, and whose it is');
is($finding{'lane held'}{severity}, 'critical', '... a lane that is held for long');
is($finding{'check of credentials fails'}{severity}, 'critical', '... a check that fails');
is_deeply([ grep { !$_->{since} || !length($_->{what_to_do} // '') } @findings ], [],
	'... each since when, and what to do');
is($finding{"stream $nowhere is refused"}{whose}, 'postgres.btse, l1 NO-SUCH of postgres', '... a stream that is refused');
is($finding{'no worker'}{whose}, undef, '... a database that is not there is none without a worker');
is(scalar @{ $monitor->query($documents->recipe('monitoring-findings'))->{lines} }, scalar @findings,
	'... as the documents ask for it');
like(join("\n", @{ $monitor->query($documents->recipe('monitoring-failed'))->{lines} }), qr/^jobs\|btse\|credentials\|/m,
	'... and for checks that fail');
like(join("\n", @{ $monitor->query($documents->recipe('monitoring-to-check'))->{lines} }), qr/^xt\|1150\|unknown\|/m,
	'... and for orders that wait');
is_deeply($owner->query($documents->recipe('monitoring-quarantined'))->{lines}, [], '... and for calls that crashed the server');
like(join("\n", @{ $owner->query($documents->recipe('monitoring-streams'))->{lines} }), qr/^$nowhere\|l1\|NO-SUCH\|postgres\|refused\|[^|]+\|the provider answers 1000/,
	'... and for streams that are not live, and why');
like(join("\n", @{ $owner->query($documents->recipe('monitoring-unsteady'))->{lines} }), qr/\|refused\|l1\|NO-SUCH\|/, '... and for what happened to them');
is($owner->error($documents->recipe($_)), 'none', "... and $_") foreach qw(monitoring-book-locked monitoring-holes monitoring-refused-rows);
my %rank = (critical => 0, warning => 1, counted => 2);
my @ranks = map { $rank{ $_->{severity} } } @findings;
is_deeply(\@ranks, [ sort @ranks ], '... the worst first');

# ----
# Dashboards
# ----

my %metric = map { $_ => 1 } $monitoring->metrics, (map { $_->{name} } $monitoring->records),
  qw(ALERTS ALERTS_FOR_STATE pg_exporter_last_scrape_error);

# Names in an expression that nothing makes.
sub strange_metrics
{
	my ($expr) = @_;

	$expr =~ s/"[^"]*"//g;
	return grep { !$metric{$_} } $expr =~ /\b((?:order_gateway|pg_exporter|ALERTS)[\w:]*)/g;
}

foreach my $which (qw(prometheus postgresql))
{
	my $dashboard = $monitoring->dashboard($which);
	my @panels = @{ $dashboard->{panels} };
	my (%taken, @overlaps);

	ok(!exists $dashboard->{id}, "the dashboard over $which can be imported");
	like($dashboard->{uid}, qr/^[\w-]{1,40}$/, '... under an id of its own');
	is_deeply([ map { $_->{id} } @panels ], [ 1 .. @panels ], '... its panels are numbered');
	is(scalar(grep { $_->{title} && $_->{description} } @panels), scalar @panels, '... have titles and say what they mean');
	foreach my $panel (@panels)
	{
		my ($x, $y, $w, $h) = @{ $panel->{gridPos} }{qw(x y w h)};

		push @overlaps, $panel->{title} if $x + $w > 24;
		foreach my $place (map { my $line = $_; map { "$_ $line" } $x .. $x + $w - 1 } $y .. $y + $h - 1)
		{
			push @overlaps, $panel->{title} if $taken{$place}++;
		}
	}
	is("@overlaps", '', '... none lies over another');
	my ($plugin) = map { $_->{query} } grep { $_->{type} eq 'datasource' } @{ $dashboard->{templating}{list} };
	is_deeply([ grep { $_->{datasource}{uid} ne '${datasource}' || $_->{datasource}{type} ne $plugin }
			map { ($_, @{ $_->{targets} }) } @panels ], [], '... and ask the source that is chosen');
	foreach my $panel (@panels)
	{
		ok(index($documents->chapter($CHAPTERS, '## The panels'), $panel->{title} =~ s/^\d+  //r) >= 0,
			"the documents know the panel \"$panel->{title}\"");
	}
}

foreach my $panel ($monitoring->panels('prometheus'))
{
	is(join(' ', map { strange_metrics($_->{expr}) } @{ $panel->{targets} }), '',
		"\"$panel->{title}\" asks for metrics that there are");
}

foreach my $panel ($monitoring->panels('postgresql'))
{
	my ($target) = @{ $panel->{targets} };
	my $rows = rows($monitor, OrderGateway::Monitoring::statement($target->{rawSql}));

	cmp_ok(scalar @$rows, '>', 0, "\"$panel->{title}\" has rows");
	next if $target->{format} ne 'table';
	my @overridden = map { $_->{matcher}{options} } @{ $panel->{fieldConfig}{overrides} };
	is_deeply([ grep { !exists $rows->[0]{$_} } @overridden ], [], '... with the columns that are painted');
}

# ----
# Alerts, and their chapters
# ----

my @alerts = $monitoring->alerts;
cmp_ok(scalar @alerts, '>=', 10, 'there are alerts');
is(join(' ', map { strange_metrics($_->{expr}) } $monitoring->records), '', '... and rules they rest on, about metrics that there are');
my ($mapping) = map { $_->{value}[0]{options} } grep { $_->{id} eq 'mappings' }
  map { @{ $_->{properties} } } grep { $_->{matcher}{options} eq 'what to do' }
  map { @{ $_->{fieldConfig}{overrides} } } ($monitoring->panels('prometheus'))[1];
foreach my $alert (@alerts)
{
	my $name = $alert->{name};
	my ($file, $anchor) = split /#/, $alert->{runbook_url} // '';

	is(join(' ', strange_metrics($alert->{expr})), '', "$name is about metrics that there are");
	like($alert->{severity}, qr/^(critical|warning)$/, '... tells how bad it is');
	is(scalar(grep { length($alert->{$_} // '') } qw(summary description)), 2, '... and what it is');
	is($anchor, lc $name, '... links to its chapter');
	like($documents->chapter($file, "### $name"), qr/\S/, '... which is there');
	ok($mapping->{$name}{text}, '... and the dashboard says what to do');
	like($monitoring->text('alerts-test.yaml'), qr/\b$name\b/, '... and it is tried');
}
is_deeply([ sort keys %$mapping ], [ sort map { $_->{name} } @alerts ], 'the dashboard knows no others');
is_deeply([ $documents->chapter($CHAPTERS, '## Alerts') =~ /^### (\w+)$/mg ], [ map { $_->{name} } @alerts ],
	'nor do the documents, in the same order');
my %in_documents = map { $_ => 1 } $documents->chapter($CHAPTERS, '## Metrics') =~ /^\| `(\w+)`/mg;
is_deeply([ sort keys %in_documents ], [ sort keys %{ { map { s/_(bucket|sum|count)$//r => 1 } $monitoring->metrics } } ],
	'the documents know each metric');

# ----
# psqlrc
# ----

my @shown = $monitoring->text('../psqlrc') =~ /^\\set (og_\w+) /mg;
cmp_ok(scalar @shown, '>', 4, 'psqlrc has queries');

# What psql says to some input, as the role that watches.
sub psql
{
	my ($input) = @_;
	my @psql = ('psql', '-X', '-d', $node->connstr('postgres') . " user=$ROLE");

	my ($out, $err) = ('', '');

	local $ENV{PGCLIENTENCODING} = 'UTF8';
	IPC::Run::run(\@psql, '<', \"\\i $TOP/examples/psqlrc\n$input", '>', \$out, '2>', \$err);
	return map { decode_utf8($_) } $out, $err;
}

$owner->query("GRANT SELECT ON last_outcome TO $ROLE; GRANT pg_read_all_data TO $ROLE");
is_deeply([ psql('') ], [ '', '' ], '... and says nothing when it is read');
my ($help) = psql(":og_help ;\n");
foreach my $query (@shown)
{
	my ($out, $err) = psql(":$query ;\n");

	is($err, '', ":$query runs");
	like($out, qr/^\([1-9]\d* rows?\)$/m, '... and finds something');
	is_deeply([ grep { length > 80 } split /\n/, $out ], [], '... in 80 columns');
	like($help, qr/^ :$query +\|/m, '... and is listed') if $query ne 'og_help';
}
my ($calls) = psql(":og_calls ;\n");
like($calls, qr{wd wangdian_cancel \| ░░░░░░ 0/1 +\| answer 00:00:\d\d}, 'a call and its progress');
my $watched = '';
my $watching = IPC::Run::start([ 'psql', '-X', '-d', $node->connstr('postgres') ],
	'<', \"\\i $TOP/examples/psqlrc\n:og_calls \\watch 0.1\n", '>', \$watched, IPC::Run::timeout(60));
$watching->pump until $watched =~ /(wangdian_cancel.*){2}/s;
$watching->kill_kill;
pass('\watch shows it again and again');

$sandbox->disarm;
$caller->finish_call;
done_testing();
