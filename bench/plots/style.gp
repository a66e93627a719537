# What all plots share. A peer has one colour everywhere.
colour(peer) = peer eq 'mqxx' ? '#c0392b' : peer eq 'mqxx-nospin' ? '#e59866' : peer eq 'kernel' ? '#1f4e79' : \
  peer eq 'sysv' ? '#5d8aa8' : peer eq 'unix-dgram' ? '#8fb9aa' : peer eq 'pipe' ? '#4f7942' : \
  peer eq 'boost' ? '#8e44ad' : peer eq 'zeromq' ? '#d4ac0d' : peer eq 'nng' ? '#7f8c8d' : '#222222'
set datafile separator ','
set datafile missing 'NaN'
set encoding utf8
set terminal svg size 1000,480 font 'sans-serif,13' background '#ffffff'
set output target
set title headline noenhanced
set ylabel y_text noenhanced
set logscale y
set grid ytics back linetype 1 linecolor rgb '#dddddd'
set border 3
set tics nomirror
