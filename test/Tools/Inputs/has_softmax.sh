#!/bin/sh
# Interesting (1) as long as there is a softmax.
grep -q nn.softmax "$1" && exit 1
exit 0
