package OrderGateway::OwnNames;

=encoding utf8

=head1 NAME

OrderGateway::OwnNames - a test with a name server of its own

=head1 SYNOPSIS

  use OrderGateway::OwnNames;       # before anything that takes long

  my $test = OrderGateway::Test->start(
      sandbox => OrderGateway::OwnNames::sandbox());
  SKIP:
  {
      skip 'no namespaces for this user', 1
        if !OrderGateway::OwnNames::here();
      ...                           # names are asked for in vain
  }

=head1 DESCRIPTION

A name server that never answers needs port 53 and F</etc/resolv.conf>.  So the
test starts itself once more in namespaces where it may have both; a second
user namespace gives it back the user it was, since PostgreSQL does not run as
root.  Where the system has none for us, the test runs where it is.

=head2 here()

Is it in namespaces of its own?

=head2 sandbox()

A hash of the options with which the sandbox is that name server, if it can be.

=cut

use strict;
use warnings;

use File::Temp ();

my $ENTER = <<'EOF';
set -e
perl -e 'my $lo = pack("Z16 s x22", "lo", 0x41); my $s;
socket($s, 2, 2, 0) && ioctl($s, 0x8914, $lo) or die "lo: $!"'
echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start
printf 'nameserver 127.0.0.1\noptions timeout:30 attempts:1\n' >"$resolv_conf"
mount --bind "$resolv_conf" /etc/resolv.conf
exec unshare --user --map-user="$uid" --map-group="$gid" -- "$@"
EOF

# Can a command be run there?  What the system thinks of that is no news.
sub _works
{
	my (@command) = @_;
	my $try = fork() // die "could not fork: $!";

	if ($try == 0)
	{
		open STDERR, '>', '/dev/null';
		exec @command, 'true' or exit 1;
	}
	waitpid $try, 0;
	return $? == 0;
}

sub import
{
	return if defined $ENV{OG_OWN_NAMES};
	my $resolv_conf = File::Temp->new;
	my @enter = (
		'env', "resolv_conf=$resolv_conf", "uid=$>", 'gid=' . (0 + $)),
		'unshare', '--map-root-user', '--mount', '--net', '--',
		'sh', '-c', $ENTER, 'sh');

	if (_works(@enter))
	{
		$ENV{OG_OWN_NAMES} = 'yes';
		exit(system(@enter, $^X, $0, @ARGV) == 0 ? 0 : ($? >> 8) || 1);
	}
	$ENV{OG_OWN_NAMES} = 'no';
	return;
}

sub here { return $ENV{OG_OWN_NAMES} eq 'yes'; }

sub sandbox { return here() ? { silent_dns => '127.0.0.1:53' } : {}; }

1;
