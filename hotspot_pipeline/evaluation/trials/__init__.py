"""From a force's trial files to the tables of effects: what was decided, which places, which counts, what came out.

- `files`: what a file in `trials/` says; `records`: which decisions were used when;
- `places`: cells of places and of the rings around them; `features`: what places were like before;
- `reading`: what is read from the tables of other stages; `counts`: the counts of both cuts, as the estimators take them;
- `lot_days`: days by lot; `estimates`: which estimators are asked; `answers`: the guards of each; `curves`: effects along a line;
- `controls`: what places are compared with; `looks`: all estimates and curves of a cut; `study`: one trial from beginning to end;
- `findings`: the records of that; `tables`: their rows; `assets`: the step that writes them.

Not here: the estimators, guards and words (the modules of `evaluation`), pictures (`published`).
"""
