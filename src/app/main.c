/* The program yunqiao. */
#include <stdio.h>

#include "commands.h"

int main(int argc, char **argv)
{
    return yq_program(argc, argv, stdout, stderr);
}
