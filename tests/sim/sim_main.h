/* The two simulated peers, as sub-commands of one program. argv[0] is the sub-command's name; the
 * result is the exit status. */
#ifndef SIM_MAIN_H
#define SIM_MAIN_H

int sim_wecom_main(int argc, char **argv);
int sim_eteams_main(int argc, char **argv);

#endif
