# Fifty ithreads take numbers off a queue, wait 10 ms for each, and add them up: queue.pl COUNT
use strict;
use warnings;
use threads;
use threads::shared;
use Thread::Queue;
use Time::HiRes qw(sleep);

my $count = shift;
my $queue = Thread::Queue->new;
my $sum : shared = 0;

sub work {
    while (defined(my $number = $queue->dequeue)) {
        sleep 0.01;
        lock($sum);
        $sum += $number;
    }
}

my @workers = map { threads->create(\&work) } 1 .. 50;
$queue->enqueue(1 .. $count, (undef) x @workers);
$_->join for @workers;
die "the sum is $sum\n" if $sum != $count * ($count + 1) / 2;
