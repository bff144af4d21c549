package OrderGateway::OwnNames;

=encoding utf8

=head1 NAME

OrderGateway::OwnNames - a test with a name server, or certificates, of its own

=head1 SYNOPSIS

  use OrderGateway::OwnNames;       # before anything is started

  my $test = OrderGateway::Test->start(
	  sandbox => { OrderGateway::OwnNames::sandbox_options() });
  my $sandbox = $test->sandbox;

  SKIP: {
	  skip 'no namespaces for this user', 1
		if !OrderGateway::OwnNames::has_own();

	  # ... $sandbox->base_url('xt', host => 'orders.example') ...
  }

=head1 DESCRIPTION

A name server that never answers needs port 53 and F</etc/resolv.conf>.  So a
test that uses this module starts itself once more in namespaces where it may
have both; a second user namespace gives it back the user it was, since
PostgreSQL does not run as root.  Where the system has none for us, the test
goes on as it is, and C<has_own> says so.

With C<< use OrderGateway::OwnNames qw(certificates) >>, F</etc/ssl/certs> is an
empty directory of the test's own, too.

=cut

use strict;
use warnings;

use File::Temp ();

my $VARIABLE = 'OG_OWN_NAMES';

my $ENTER = <<'EOF';
set -e
perl -e 'my $lo = pack("Z16 s x22", "lo", 0x41); my $s;
socket($s, 2, 2, 0) && ioctl($s, 0x8914, $lo) or die "lo: $!"'
echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start
printf 'nameserver 127.0.0.1\noptions timeout:30 attempts:1\n' >"$resolv_conf"
mount --bind "$resolv_conf" /etc/resolv.conf
[ -z "$certificates" ] || mount --bind "$certificates" /etc/ssl/certs
exec unshare --user --map-user="$uid" --map-group="$gid" -- "$@"
EOF

# Can a command be run there?  What the system thinks of that is no news to
# anybody.
sub can_run
{
	my (@command) = @_;
	my $pid = fork() // die "could not fork: $!";

	if ($pid == 0)
	{
		open STDERR, '>', '/dev/null';
		exec @command or exit 1;
	}
	waitpid $pid, 0;
	return $? == 0;
}

sub import
{
	my ($class, @wanted) = @_;

	return if defined $ENV{$VARIABLE};

	my $resolv_conf = File::Temp->new;
	my $certificates =
	  (grep { $_ eq 'certificates' } @wanted) ? File::Temp->newdir : '';
	my @enter = (
		'env', "resolv_conf=$resolv_conf", "certificates=$certificates",
		"uid=$>", 'gid=' . (0 + $)),
		'unshare', '--map-root-user', '--mount', '--net', '--',
		'sh', '-c', $ENTER, 'sh');

	if (can_run(@enter, 'true'))
	{
		$ENV{$VARIABLE} = 'own';
		exit(system(@enter, $^X, $0, @ARGV) == 0 ? 0 : ($? >> 8) || 1);
	}
	$ENV{$VARIABLE} = 'shared';
	return;
}

sub has_own { return $ENV{$VARIABLE} eq 'own'; }

sub sandbox_options
{
	return has_own() ? (silent_dns => '127.0.0.1:53') : ();
}

1;
