# Draws the plots from the data files of bench_report: gnuplot -e "dir='...'" style.gp plots.gp
# Streams: a line per peer over the size of the messages.
set logscale xy
set xtics ('8 B' 8, '64 B' 64, '1 KiB' 1024, '64 KiB' 65536, '1 MiB' 1048576)
set xlabel 'message size'
set ylabel 'messages per second'
set format y '%.0s%c'
do for [name in 'one_way one_way_in_place'] {
  file = dir.'/'.name.'.dat'
  if (has(file)) {
    set output dir.'/'.name.'.svg'
    set title name eq 'one_way' ? 'One way, process to process, copied in and out' \
      : 'One way, every cache line written and read, in place where the peer can'
    plot for [i = 0:peers(file) - 1] file index i using 1:2 with linespoints lw 2 pt 7 ps 0.6 \
      title columnheader(2)
  }
}

# Bars: a group per peer.
unset logscale x
set logscale y
set xtics autofreq rotate by -30
unset xlabel
set linetype 1 lc rgb '#d62728'
set linetype 2 lc rgb '#ff9f6e'
set linetype 3 lc rgb '#ffd8bf'
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.85 noborder

do for [name in 'pair two_to_two'] {
  file = dir.'/'.name.'.dat'
  if (has(file)) {
    set output dir.'/'.name.'.svg'
    set title name eq 'pair' ? 'Enqueue and dequeue on one thread' : 'Two processes to two'
    plot file using 2:xtic(1) title columnheader(2), '' using 3 title columnheader(3)
  }
}

set ylabel 'nanoseconds'
do for [how in 'spinning sleeping'] {
  file = dir.'/round_trip_'.how.'.dat'
  if (has(file)) {
    set output dir.'/round_trip_'.how.'.svg'
    set title 'Round trip of 64 B, '.how
    plot file using 2:xtic(1) title 'p50', '' using 3 title 'p99', '' using 4 title 'p99.9'
  }
}
