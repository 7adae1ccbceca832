/* A place with the settings that hold now, under a lock for the moment of taking them. */
#include "current.h"

void yq_current_init(struct yq_current *c, const struct yq_settings *first)
{
    pthread_mutex_init(&c->lock, NULL);
    c->settings = yq_settings_hold(first);
}

void yq_current_set(struct yq_current *c, const struct yq_settings *next)
{
    pthread_mutex_lock(&c->lock);
    const struct yq_settings *before = c->settings;
    c->settings = yq_settings_hold(next);
    pthread_mutex_unlock(&c->lock);
    yq_settings_free(before);
}

const struct yq_settings *yq_current_take(struct yq_current *c)
{
    pthread_mutex_lock(&c->lock);
    const struct yq_settings *now = yq_settings_hold(c->settings);
    pthread_mutex_unlock(&c->lock);
    return now;
}

void yq_current_release(struct yq_current *c)
{
    yq_settings_free(c->settings);
    pthread_mutex_destroy(&c->lock);
}
