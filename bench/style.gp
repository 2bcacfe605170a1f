# What all plots have in common.
set terminal svg size 860,440 background rgb 'white' font 'sans-serif,13' noenhanced
set grid ytics lc rgb '#dddddd'
set border 3
set tics nomirror
colours = '#999999 #d62728 #ff7f0e #1f77b4 #2ca02c #9467bd #8c564b #17becf #bcbd22'
do for [i = 1:words(colours)] { set linetype i lc rgb word(colours, i) }
set key outside right top Left reverse samplen 1.5

peers(file) = system(sprintf("grep -c '^size' '%s'", file))
has(file) = int(system(sprintf("cat '%s' 2>/dev/null | sed 1d | grep -c .", file))) > 0
