# A heartbeat beside streams whose tables have no room: it does not notice what the
# stream worker suffers.  When the database cannot commit, it stops all the same.

use strict;
use warnings;
use utf8;

use PostgreSQL::Test::Utils ();
use Test::More;

use OrderGateway::Appended;
use OrderGateway::Disk;
use OrderGateway::Heartbeat;
use OrderGateway::Journal;

# It is renewed each third of that.
my $TIMEOUT = '5 s';

# More than it has to be renewed in all that time.
my $BEATS = 6;

# Only what is in a tablespace there has no room.
my $disk = OrderGateway::Disk->new(directory => 'narrow');
my $narrow = PostgreSQL::Test::Utils::tempdir() . '/narrow';
my $streams = OrderGateway::Appended->start(env => $disk->env, standby => 1,
	conf => "jit = off\nautovacuum = off\n");
my $journal = OrderGateway::Journal->new($streams->node);
my $hearts = OrderGateway::Heartbeat->new($streams->test, $journal);

sub commits
{
	my ($standbys) = @_;

	$journal->set('synchronous_standby_names', $standbys);
	return;
}

mkdir $narrow or die "could not make $narrow: $!";
$streams->sql("CREATE TABLESPACE narrow LOCATION '$narrow'");
$streams->sql($_) foreach 'ALTER TABLE order_gateway_stream_fill SET TABLESPACE narrow',
	q{CREATE TABLE fills (serial_id text, filled_price numeric, filled_size numeric,
		padding text DEFAULT repeat('x', 1500)) TABLESPACE narrow},
	'ALTER TABLE fills ALTER padding SET STORAGE PLAIN';

my @ids = ($streams->follow('fills'), $streams->follow('fills', into => 'fills'));

$streams->fill(10);
$streams->fills_ok('while there is room: the log');
$streams->fills_ok('... a table', table => 'fills');
$hearts->add('beats');
$hearts->start('beats', $TIMEOUT);
$hearts->wait_for('beats', 'armed', 'a heartbeat is armed');

# ---- what the stream worker suffers

$disk->fill;
$streams->fill(60);
foreach my $id (@ids)
{
	$journal->wait_until(qq{SELECT last_error LIKE '%could not extend file%' AND queued > 0
		FROM order_gateway_streams WHERE stream_id = $id}, "there is no room: what stream $id has waits");
}
my $beats = $hearts->of('beats', 'beats');
$journal->wait_until("SELECT beats >= $beats + $BEATS AND state = 'armed' AND outcome = 'accepted'
	FROM order_gateway_heartbeats", 'the heartbeat beats on meanwhile');
is($streams->sql('SELECT count(*) FROM order_gateway_streams WHERE queued > 0'), scalar @ids, '... while rows wait still');
is($hearts->fired('beats'), 0, '... and its timer has not run out');

# ---- what it must notice

commits('nobody');
$streams->fill(1);
$hearts->fires_ok('beats', 'nobody can commit: the timer fires, whatever streams do');
commits('');
$hearts->wait_for('beats', 'armed', 'when they can, it is armed anew');
is($streams->sql('SELECT count(*) FROM order_gateway_streams WHERE queued > 0'), scalar @ids, '... and rows wait still');

# ---- room again

$disk->free;
$streams->fills_ok('with room again: the log');
$streams->fills_ok('... the table', table => 'fills');
$streams->state_ok($_, 'live', "stream $_ is live") foreach @ids;
is($hearts->fired('beats'), 1, 'the timer ran out once');
$hearts->stop('beats');
$journal->wait_until('SELECT count(*) = 0 FROM order_gateway_heartbeats', '... and can be stopped');

$streams->sandbox->stop;
done_testing();
