package OrderGateway::Heartbeat;

=encoding utf8

=head1 NAME

OrderGateway::Heartbeat - heartbeats, and the timers of the sandbox that they keep

=head1 SYNOPSIS

  my $hearts = OrderGateway::Heartbeat->new($test, $journal);

  $hearts->add('one');
  $hearts->start('one', '5 s');
  $hearts->wait_for('one', 'armed', 'it is armed');
  $hearts->fires_ok('one', 'it fires');

=head1 DESCRIPTION

Each heartbeat is at a server of its own, which is an account of its own at the
sandbox with two open orders in two markets.

=cut

use strict;
use warnings;
use utf8;

use PostgreSQL::Test::Utils ();
use Test::More;
use Time::HiRes qw(sleep time);

my $TIMEOUT = $PostgreSQL::Test::Utils::timeout_default;

sub new
{
	my ($class, $test, $journal) = @_;

	return bless { test => $test, journal => $journal, orders => 0 }, $class;
}

=head2 $hearts->add($name, %options), $hearts->account($name)

A server of that name, with these options; what the sandbox calls its account.

=cut

sub add
{
	my ($self, $name, %options) = @_;

	$self->{test}->own_server('btse', $name, %options);
	$self->seed($name);
	return;
}

sub account { return "sandbox-btse-api-key-$_[1]"; }

=head2 $hearts->seed($name)

Two open orders.

=cut

sub seed
{
	my ($self, $name) = @_;

	foreach my $market (qw(BTC-USD ETH-USD))
	{
		$self->{test}->sandbox->seed('btse', market => $market,
			ids => [ "$name-" . ++$self->{orders} ], account => $self->account($name));
	}
	return;
}

=head2 $hearts->start($name, $timeout), $hearts->stop($name)

=head2 $hearts->of($name, $columns), $hearts->wait_for($name, $state, $text), $hearts->wait_until($name, $condition, $text)

What the view says, and until it does.

=cut

sub start
{
	my ($self, $name, $timeout) = @_;

	return $self->{journal}->sql("SELECT btse_heartbeat_start('$timeout', '$name')");
}

sub stop
{
	my ($self, $name) = @_;

	return $self->{journal}->sql("SELECT btse_heartbeat_stop('$name')");
}

sub of
{
	my ($self, $name, $columns) = @_;

	return $self->{journal}
	  ->sql("SELECT $columns FROM order_gateway_heartbeats WHERE server = '$name'");
}

sub wait_until
{
	my ($self, $name, $condition, $text) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	return $self->{journal}->wait_until(
		"SELECT $condition FROM order_gateway_heartbeats WHERE server = '$name'", $text);
}

sub wait_for
{
	my ($self, $name, $state, $text) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	return $self->wait_until($name, "state = '$state'", $text);
}

=head2 $hearts->done($name, $action)

What the sandbox did with this account: details of that action.

=head2 $hearts->fired($name), $hearts->fires_ok($name, $text), $hearts->lives_ok($name, $text)

How often the timer ran out; that it does, and cancels both orders; that it did
not, and both are open.

=cut

sub done
{
	my ($self, $name, $action) = @_;

	return map { $_->{detail} }
	  grep { $_->{account} eq $self->account($name) && $_->{action} eq $action }
	  @{ $self->{test}->sandbox->processed('btse') };
}

sub fired
{
	my ($self, $name) = @_;

	return scalar(() = $self->done($name, 'timer_fired'));
}

sub _states
{
	my ($self, $name) = @_;

	return join ' ', sort map { $_->{status} } @{
		$self->{test}->sandbox->orders(provider => 'btse',
			account => $self->account($name)) };
}

sub fires_ok
{
	my ($self, $name, $text, $before) = @_;
	my $deadline = time + $TIMEOUT;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	$before //= 0;
	sleep 0.05 while $self->fired($name) <= $before && time < $deadline;
	is($self->fired($name), $before + 1, $text);
	return unlike($self->_states($name), qr/open/, '... and no order is open any more');
}

sub lives_ok
{
	my ($self, $name, $text) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	is($self->fired($name), 0, $text);
	return is($self->_states($name), 'open open', '... and its orders are open');
}

1;
