# What every target of yunqiao is compiled and linked with, and the two helpers the floors use.

add_library(yq_options INTERFACE)
target_compile_definitions(yq_options INTERFACE _GNU_SOURCE YQ_VERSION="${PROJECT_VERSION}")
target_include_directories(yq_options INTERFACE ${PROJECT_SOURCE_DIR}/include)
target_compile_options(yq_options INTERFACE
    -Wall -Wextra -Wshadow -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes -Wundef
    -Wpointer-arith -Wwrite-strings -Wvla -fstack-protector-strong -fPIE
    $<$<C_COMPILER_ID:GNU>:-Wimplicit-fallthrough> # clang does not see the comments in uthash.h
    $<$<BOOL:${YQ_WERROR}>:-Werror>)
target_link_options(yq_options INTERFACE -pie -Wl,-z,relro,-z,now)

if(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
    target_compile_definitions(yq_options INTERFACE _FORTIFY_SOURCE=2)
endif()
if(YQ_SANITIZE)
    target_compile_options(yq_options INTERFACE -fsanitize=${YQ_SANITIZE} -fno-omit-frame-pointer
        -fno-sanitize-recover=all)
    target_link_options(yq_options INTERFACE -fsanitize=${YQ_SANITIZE})
endif()
if(YQ_FUZZ)
    target_compile_options(yq_options INTERFACE -fsanitize=fuzzer-no-link)
    target_link_options(yq_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(YQ_COVERAGE)
    target_compile_options(yq_options INTERFACE --coverage)
    target_link_options(yq_options INTERFACE --coverage)
endif()

# yq_floor(NAME SOURCES … LINK …): one floor as a static library yq_NAME.
function(yq_floor name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
    add_library(yq_${name} STATIC ${ARG_SOURCES})
    target_include_directories(yq_${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
    target_link_libraries(yq_${name} PUBLIC yq_options ${ARG_LINK})
endfunction()

# yq_unit_test(NAME LINK …): tests/unit/test_NAME.c, linked with its own floor and what is beneath.
function(yq_unit_test name)
    cmake_parse_arguments(ARG "" "" "LINK;SOURCES" ${ARGN})
    add_executable(test_${name} test_${name}.c ${ARG_SOURCES})
    target_link_libraries(test_${name} PRIVATE yq_options PkgConfig::CMOCKA ${ARG_LINK})
    target_compile_definitions(test_${name} PRIVATE YQ_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    add_test(NAME unit/${name} COMMAND test_${name})
    set_tests_properties(unit/${name} PROPERTIES LABELS unit TIMEOUT 120)
endfunction()
