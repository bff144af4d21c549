# Heartbeats and standbys: a primary whose standby does not answer, or was promoted,
# does not beat; the server that is promoted goes on; a copy does not, until it is
# adopted; and pg_upgrade keeps what is wanted.

use strict;
use warnings;
use utf8;

use PostgreSQL::Test::Utils ();
use Test::More;
use Time::HiRes qw(sleep time);

use OrderGateway::Heartbeat;
use OrderGateway::Journal;
use OrderGateway::Test;

# One that is to fire, and one that is not.
my $SHORT = '5 s';
my $LONG = '10 min';

# So long no beat has to come.
my $WATCHED_SECONDS = 2;

my $test = OrderGateway::Test->start(OrderGateway::Journal::worker(), standby => 1);
my $node = $test->node;
my $sandbox = $test->sandbox;
my $journal = OrderGateway::Journal->new($node);
my $hearts = OrderGateway::Heartbeat->new($test, $journal);

sub standby
{
	my ($name, $conf) = @_;
	my $standby = PostgreSQL::Test::Cluster->new($name);

	$node->backup($name);
	$standby->init_from_backup($node, $name, has_streaming => 1);
	$standby->append_conf('postgresql.conf', $conf) if $conf;
	$standby->start;
	$node->wait_for_catchup($standby);
	return $standby;
}

sub set
{
	my ($setting, $value) = @_;

	$journal->sql("ALTER SYSTEM SET $setting = '$value'");
	$journal->sql('SELECT pg_reload_conf()');
	return;
}

sub armed
{
	my ($name, $timeout) = @_;

	$hearts->add($name);
	$hearts->start($name, $timeout);
	return $hearts->wait_for($name, 'armed', "$name is armed");
}

# Heartbeats as another server has them.
sub seen_by
{
	my ($other) = @_;

	return OrderGateway::Heartbeat->new($test, OrderGateway::Journal->new($other));
}

sub beats_at_provider { return scalar(() = $hearts->done($_[0], 'timer_set')); }

sub ends
{
	my ($hearts, $name) = @_;

	$hearts->stop($name);
	return $hearts->{journal}->wait_until(
		"SELECT count(*) = 0 FROM order_gateway_heartbeats WHERE server = '$name'", '... and can be stopped');
}

$journal->wait_for_worker('there is a worker');

subtest 'a synchronous standby that does not answer' => sub {
	my $standby = standby('standby');

	set('synchronous_standby_names', 'standby');
	$journal->wait_until(q{SELECT sync_state = 'sync' FROM pg_stat_replication}, 'there is a synchronous standby');
	armed('alone', $SHORT);
	$standby->stop;
	$hearts->fires_ok('alone', 'without it nobody can commit, and the timer fires');
	is($hearts->of('alone', q{state || ': ' || message}),
		'fired: the synchronous standbys do not have its row', '... which the view shows, and why');
	$standby->start;
	$hearts->wait_for('alone', 'armed', 'when it is back, the heartbeat is armed anew');
	set('synchronous_standby_names', '');
	ends($hearts, 'alone');
	$standby->stop;
};

subtest 'a standby that is promoted, and the old primary lives on without one' => sub {
	my $standby = standby('elsewhere', "order_gateway.databases = ''\n");

	set('synchronous_standby_names', 'elsewhere');
	$journal->wait_until(q{SELECT sync_state = 'sync' FROM pg_stat_replication}, 'there is a synchronous standby');
	armed('elsewhere', $SHORT);
	$standby->promote;
	$hearts->fires_ok('elsewhere', 'where no worker runs the timer fires');
	is($standby->safe_psql('postgres', q{SELECT count(*) FROM order_gateway_heartbeats WHERE server = 'elsewhere'}),
		1, '... and the promoted server shows the heartbeat');
	$standby->stop;
	set('synchronous_standby_names', '');
	$hearts->wait_for('elsewhere', 'armed', 'the old primary goes on when it asks for no standby');
	ends($hearts, 'elsewhere');
};

subtest 'a server that is promoted goes on' => sub {
	armed('over', $LONG);
	my $next = standby('next');
	my $there = seen_by($next);
	my $beats = beats_at_provider('over');

	is($there->of('over', 'state'), 'armed', 'a standby shows it');
	is($there->{journal}->{node}->psql('postgres', q{SELECT btse_heartbeat_stop('over')}), 3, '... and cannot stop it');
	$node->stop('immediate');
	$next->promote;
	$there->{journal}->wait_for_worker('the promoted server has a worker');
	$test->wait_until(sub { return beats_at_provider('over') > $beats }, '... which beats at once');
	$there->wait_for('over', 'armed', '... and is armed');
	$hearts->lives_ok('over', 'the timer did not fire');
	ends($there, 'over');
	$next->stop;
	$node->start;
	$journal->wait_for_worker('the first server is there again');
	ends($hearts, 'over');
};

subtest 'a copy that starts late beats when it is adopted' => sub {
	armed('copied', $LONG);
	my $copy = standby('copy');
	my $late = seen_by($copy);

	$journal->sql(q{UPDATE order_gateway_installation SET alive_at = now() - interval '6 min'});
	$node->wait_for_catchup($copy);
	$node->stop('immediate');
	$copy->promote;
	$late->{journal}->wait_for_worker('the copy has a worker');
	$late->{journal}->wait_until('SELECT held FROM order_gateway_installation', 'it holds everything');
	my $beats = beats_at_provider('copied');
	sleep $WATCHED_SECONDS;
	is(beats_at_provider('copied'), $beats, '... and does not beat');
	$late->{journal}->sql('SELECT order_gateway_adopt()');
	$test->wait_until(sub { return beats_at_provider('copied') > $beats }, 'when it is adopted, it does');
	ends($late, 'copied');
	$copy->stop;
	$node->start;
	$journal->wait_for_worker('the first server is there again');
	ends($hearts, 'copied');
};

subtest 'pg_upgrade' => sub {
	my $new = PostgreSQL::Test::Cluster->new('new');
	my $settings = join '', map { "$_\n" } grep { /^(?:shared_preload|order_gateway|max_worker)/ }
	  split /\n/, PostgreSQL::Test::Utils::slurp_file($node->data_dir . '/postgresql.conf');

	armed('upgraded', $LONG);
	my $beats = beats_at_provider('upgraded');
	$node->stop;
	$new->init;
	$new->append_conf('postgresql.conf', $settings);
	my $bin = $node->config_data('--bindir');
	$new->command_ok([
			'pg_upgrade', '--no-sync', '-d', $node->data_dir, '-D', $new->data_dir, '-b', $bin, '-B', $bin,
			'-s', $new->host, '-p', $node->port, '-P', $new->port
		],
		'the server can be upgraded');
	$new->start;
	my $after = seen_by($new);
	$after->{journal}->wait_for_worker('it has a worker then');
	$test->wait_until(sub { return beats_at_provider('upgraded') > $beats }, '... which beats');
	$after->wait_for('upgraded', 'armed', '... and is armed');
	ends($after, 'upgraded');
	$new->stop;
};

$sandbox->stop;
done_testing();
