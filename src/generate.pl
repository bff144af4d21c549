#!/usr/bin/perl
#
# Writes what follows from the files *_fields.def, in which each field stands
# once, into the install script: row types and their comments. C includes those
# files as they are; the documents follow from the catalog (src/document.pl).
#
#	src/generate.pl [TOP-DIRECTORY]			"make generate": write
#	src/generate.pl --check [TOP-DIRECTORY]	say what is not as it would be
#											written, and exit with 1
#
# What a line of such a file says: src/provider/fields.h. What is generated
# stands between marks, and is committed, so that nothing but a change of a
# field needs this program. A mark says what is between it and the next one:
#
#	-- generated: types						all row types and comments
#	-- generated: columns of X				X as OUT parameters of a function
#	-- generated: columns of X, COLUMN TYPE	but this column of that type
#	-- generated: comments of X				comments on a view
#	-- end of generated
#
# The install script is the one of the version that the control file names:
# older ones are released, and stay as they are.

use strict;
use warnings;
use FindBin ();

our ($top, $file, @rows, %row_named);

my $checks = @ARGV && $ARGV[0] eq '--check' && shift @ARGV;
$top = @ARGV ? shift @ARGV : "$FindBin::Bin/..";
require "$FindBin::Bin/fields.pl";

# Words that name a column, but no parameter.
my %QUOTED = map { $_ => 1 } qw(bit boolean char exists float grouping int interval numeric
  position precision row time timestamp values);

# ----
# SQL
# ----

sub sql_text { return q{'} . $_[0] =~ s/'/''/gr . q{'}; }

sub sql_comments
{
	my ($row, $kind) = @_;

	return join '', "COMMENT ON $kind $row->{name} IS\n" . sql_text($row->{comment}) . ";\n",
	  map { "COMMENT ON COLUMN $row->{name}.$_->{name} IS " . sql_text($_->{comment}) . ";\n" }
	  @{ $row->{columns} };
}

sub sql_type
{
	my ($row) = @_;

	return "CREATE TYPE $row->{name} AS (\n"
	  . join(",\n", map { "\t$_->{name} $_->{type}" } @{ $row->{columns} })
	  . "\n);\n\n" . sql_comments($row, 'TYPE');
}

sub sql_parameters
{
	my ($row, $column, $type) = @_;

	return join(",\n", map {
		my $name = $QUOTED{ $_->{name} } ? qq{"$_->{name}"} : $_->{name};
		"\tOUT $name " . (defined $column && $column eq $_->{name} ? $type : $_->{type});
	} @{ $row->{columns} }) . "\n";
}

# ----
# Between the marks
# ----

my %shown;      # what is in the script

# What belongs under a mark.
sub generated
{
	my ($what) = @_;
	my ($how, $name, $column, $type) = $what =~ /^(columns of|comments of) (\w+)(?:, (\w+) (\w+))?$/;

	if ($what eq 'types')
	{
		my @types = grep { $_->{kind} eq 'TYPE' } @rows;

		$shown{ $_->{name} } = 1 foreach @types;
		return join "\n", map { sql_type($_) } @types;
	}
	complain("nothing is generated for \"$what\"") if !defined $name;
	my $row = $row_named{$name} // complain("no *_fields.def has \"$name\"");
	complain("\"$name\" has no \"$column\"")
	  if defined $column && !grep { $_->{name} eq $column } @{ $row->{columns} };
	$shown{$name} = 1;
	return $how eq 'columns of' ? sql_parameters($row, $column, $type) : sql_comments($row, 'VIEW');
}

read_all_fields();

my ($version) = slurp('order_gateway.control') =~ /^default_version\s*=\s*'([^']+)'/m
  or die "order_gateway.control has no default_version\n";
my $script = "sql/order_gateway--$version.sql";
my ($text, @stale) = regenerate($script, qr/^\s*-- (.*)$/, \&generated);

# A type that nobody has is a mistake.
foreach my $row (@rows)
{
	die "$row->{file}: no install script has $row->{name}\n" if !$shown{ $row->{name} };
}
if ($checks && @stale)
{
	print "$_: not what the fields say\n" foreach @stale;
	print "run \"make generate\", and commit what it writes\n";
	exit 1;
}
if (!$checks && slurp($script) ne $text)
{
	put($script, $text);
	print "wrote $script\n";
}
